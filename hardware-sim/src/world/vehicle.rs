//! A vehicle and its driver.
//!
//! A vehicle is one or two bodies (tractor and trailer, with a gap that may be bridged by a drawbar) along the lane. Its `front_m` is the place
//! of its front bumper; `heading` is +1 in the lane's direction and -1 for a vehicle that comes the wrong way. The driver accelerates and brakes
//! within fixed limits and never looks at anything but the boom, the lights and the vehicle ahead.

use serde::{Deserialize, Serialize};

const ACCELERATION_M_S2: f64 = 1.0;
const BRAKING_M_S2: f64 = 2.0;
/// Behind the last thing to stop at.
const STOP_SHORT_M: f64 = 0.05;

/// What the driver means to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// To the stop line, waits for the boom and the light, through.
    #[default]
    Through,
    /// Follows the vehicle ahead closely through, whatever the light says.
    Tailgate,
    /// Through, but stops with the middle under the boom for `wait_ms` (0: until told to go).
    StopUnderBoom,
    /// Waits `wait_ms` at the stop line, then backs out.
    ReverseOut,
    /// Enters over the exit, against the lane.
    WrongWay,
}

/// A person's order to a driver over the control interface or from a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Back to the own behaviour, past any wait of it.
    Go,
    /// Brake and stand.
    Stop,
    /// Back out.
    Reverse,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlateColour {
    /// Private: black on white.
    White,
    /// Transport business, large vehicles: black on yellow.
    #[default]
    Yellow,
    /// State (Vietnam) or small vehicles (China): white on blue.
    Blue,
    /// Army: white on red.
    Red,
}

/// A vehicle to be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VehicleSpec {
    /// When it comes, ms from the start of the scenario or from the request.
    pub at_ms: u64,
    /// Front plate, and the rear one of a vehicle without a trailer. Empty: none.
    pub plate: String,
    /// Plate of the trailer; a vehicle with one has a second body.
    pub trailer_plate: Option<String>,
    pub plate_colour: PlateColour,
    pub trailer_plate_colour: PlateColour,
    /// Length of the tractor or of the whole rigid truck, m. Default 12, with a trailer 6.
    pub length_m: Option<f64>,
    /// Length of the trailer, m. Default 9.2.
    pub trailer_length_m: Option<f64>,
    /// Gap between tractor and trailer, m. Default 0.8.
    pub gap_m: Option<f64>,
    /// The gap is bridged low down: loops keep seeing it, the photocell too.
    pub drawbar: bool,
    /// A bed so high that loops see it only at its axles.
    pub high_bed: bool,
    /// Gross weight, kg. Default 30000.
    pub gross_kg: Option<f64>,
    /// Axles of the whole vehicle. Default 3, with a trailer 5.
    pub axles: Option<u32>,
    /// Cruising speed, m/s. Default 2.5.
    pub speed_m_s: Option<f64>,
    pub behaviour: Behaviour,
    /// The wait of `stop_under_boom` and `reverse_out`, ms. Default 0 and 5000.
    pub wait_ms: Option<u64>,
    /// Time from the boom being up to the driver's start, ms. Default 800.
    pub reaction_ms: Option<u64>,
    /// A picture shown by the front camera while this vehicle is before it, relative to the configured photo folder.
    pub front_photo: Option<String>,
    /// The same for the rear camera.
    pub rear_photo: Option<String>,
}

impl VehicleSpec {
    /// Every number outside its range, and text too long.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut range = |name: &str, value: Option<f64>, min: f64, max: f64| {
            if value.is_some_and(|value| !(min..=max).contains(&value)) {
                problems.push(format!("vehicle: `{name}` must be {min} to {max}"));
            }
        };
        range("length_m", self.length_m, 2.0, 30.0);
        range("trailer_length_m", self.trailer_length_m, 2.0, 30.0);
        range("gap_m", self.gap_m, 0.0, 6.0);
        range("gross_kg", self.gross_kg, 500.0, 200_000.0);
        range("axles", self.axles.map(f64::from), 2.0, 12.0);
        range("speed_m_s", self.speed_m_s, 0.2, 10.0);
        range("wait_ms", self.wait_ms.map(|ms| ms as f64), 0.0, 3_600_000.0);
        range("reaction_ms", self.reaction_ms.map(|ms| ms as f64), 0.0, 600_000.0);
        for (name, plate) in [("plate", Some(&self.plate)), ("trailer_plate", self.trailer_plate.as_ref())] {
            if plate.is_some_and(|plate| plate.chars().count() > 16) {
                problems.push(format!("vehicle: `{name}` has more than 16 characters"));
            }
        }
        problems
    }

    pub fn has_trailer(&self) -> bool {
        self.trailer_plate.is_some() || self.trailer_length_m.is_some()
    }

    fn tractor_m(&self) -> f64 {
        self.length_m.unwrap_or(if self.has_trailer() { 6.0 } else { 12.0 })
    }

    fn bridge_m(&self) -> f64 {
        self.gap_m.unwrap_or(0.8)
    }

    /// Bumper to tail, m.
    pub fn whole_length_m(&self) -> f64 {
        if self.has_trailer() { self.tractor_m() + self.bridge_m() + self.trailer_length_m.unwrap_or(9.2) } else { self.tractor_m() }
    }

    /// Bodies as distances behind the front bumper.
    pub fn bodies_m(&self) -> Vec<(f64, f64)> {
        let tractor = self.tractor_m();
        if self.has_trailer() { vec![(0.0, tractor), (tractor + self.bridge_m(), self.whole_length_m())] } else { vec![(0.0, tractor)] }
    }

    /// Axles as distances behind the front bumper; each bears the same share.
    pub fn axles_m(&self) -> Vec<f64> {
        let count = self.axles.unwrap_or(if self.has_trailer() { 5 } else { 3 }).max(2);
        let mut axles = vec![1.4];
        let at_tail = if self.has_trailer() {
            let driven = if count >= 5 { 2 } else { 1 };
            for index in 0..driven {
                axles.push((self.tractor_m() - 1.0 - 1.3 * f64::from(index)).max(1.4));
            }
            count.saturating_sub(1 + driven)
        } else {
            count - 1
        };
        let tail = self.whole_length_m();
        for index in 0..at_tail.max(1) {
            axles.push((tail - 1.2 - 1.3 * f64::from(index)).max(1.4));
        }
        axles
    }

    pub fn gross_kg(&self) -> f64 {
        self.gross_kg.unwrap_or(30_000.0)
    }

    fn cruise_m_s(&self) -> f64 {
        self.speed_m_s.unwrap_or(2.5)
    }

    fn reaction_ms(&self) -> u64 {
        self.reaction_ms.unwrap_or(800)
    }

    /// The plate at the tail.
    pub fn rear_plate(&self) -> &str {
        self.trailer_plate.as_deref().unwrap_or(&self.plate)
    }
}

/// What a driver sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub stop_line_m: f64,
    pub boom_m: f64,
    /// The boom is high enough to drive under.
    pub boom_passable: bool,
    /// Red shown and green not.
    pub light_forbids: bool,
    /// Nearest bumper ahead in the direction of movement, lane coordinate.
    pub obstacle_m: Option<f64>,
}

/// A vehicle in the lane.
#[derive(Clone, Debug)]
pub struct Vehicle {
    pub id: u64,
    pub spec: VehicleSpec,
    pub front_m: f64,
    pub heading: f64,
    /// Never negative; the direction is the gear's.
    pub speed_m_s: f64,
    pub order: Option<Order>,
    waited_ms: u64,
    passable_ms: u64,
    backing: bool,
    wait_over: bool,
    /// The arm hit it, or it drove into the arm.
    pub struck: bool,
}

impl Vehicle {
    pub fn new(id: u64, spec: VehicleSpec, front_m: f64, heading: f64) -> Vehicle {
        Vehicle {
            id,
            spec,
            front_m,
            heading,
            speed_m_s: 0.0,
            order: None,
            waited_ms: 0,
            passable_ms: 0,
            backing: false,
            wait_over: false,
            struck: false,
        }
    }

    /// The whole vehicle as (lowest, highest) lane coordinate.
    pub fn extent_m(&self) -> (f64, f64) {
        self.place(0.0, self.spec.whole_length_m())
    }

    /// Its bodies as (lowest, highest) lane coordinates.
    pub fn bodies_m(&self) -> Vec<(f64, f64)> {
        self.spec.bodies_m().iter().map(|(from, to)| self.place(*from, *to)).collect()
    }

    pub fn tail_m(&self) -> f64 {
        self.front_m - self.heading * self.spec.whole_length_m()
    }

    fn place(&self, from_m: f64, to_m: f64) -> (f64, f64) {
        let a = self.front_m - self.heading * from_m;
        let b = self.front_m - self.heading * to_m;
        (a.min(b), a.max(b))
    }

    /// Whether a body stands over the place, as a light beam at bumper height sees it.
    pub fn breaks_beam(&self, at_m: f64) -> bool {
        if self.spec.drawbar {
            let (low, high) = self.extent_m();
            return low <= at_m && at_m <= high;
        }
        self.spec.bodies_m().iter().any(|(from, to)| {
            let (low, high) = self.place(*from, *to);
            low <= at_m && at_m <= high
        })
    }

    /// Whether enough metal lies over the loop.
    pub fn over_loop(&self, loop_m: [f64; 2]) -> bool {
        let overlaps = |(low, high): (f64, f64)| low < loop_m[1] && high > loop_m[0];
        if self.spec.high_bed {
            let cab = overlaps(self.place(0.0, 2.5_f64.min(self.spec.whole_length_m())));
            return cab || self.spec.axles_m().iter().any(|axle| overlaps(self.place(axle - 0.5, axle + 0.5)));
        }
        if self.spec.drawbar {
            return overlaps(self.extent_m());
        }
        self.spec.bodies_m().iter().any(|(from, to)| overlaps(self.place(*from, *to)))
    }

    /// Load on the platform, kg.
    pub fn load_kg(&self, platform_m: [f64; 2]) -> f64 {
        let axles = self.spec.axles_m();
        let share_kg = self.spec.gross_kg() / axles.len() as f64;
        let on = axles.iter().filter(|axle| {
            let at = self.front_m - self.heading * **axle;
            platform_m[0] <= at && at <= platform_m[1]
        });
        on.count() as f64 * share_kg
    }

    /// Direction of movement along the lane.
    pub fn direction(&self) -> f64 {
        if self.backing { -self.heading } else { self.heading }
    }

    /// The bumper that leads the movement, lane coordinate.
    pub fn leading_m(&self) -> f64 {
        if self.backing { self.tail_m() } else { self.front_m }
    }

    pub fn give(&mut self, order: Order) {
        match order {
            Order::Go => {
                self.order = None;
                self.wait_over = true;
                if self.backing {
                    self.backing = false;
                    self.speed_m_s = 0.0;
                }
            }
            Order::Stop | Order::Reverse => self.order = Some(order),
        }
    }

    /// Drives for `dt_ms`; the distance moved, m.
    pub fn drive(&mut self, dt_ms: u64, sight: &Sight) -> f64 {
        self.passable_ms = if sight.boom_passable { self.passable_ms.saturating_add(dt_ms) } else { 0 };
        self.choose_gear(dt_ms, sight);
        let free_m = self.free_m(sight);
        let braking = self.order == Some(Order::Stop) || (self.order == Some(Order::Reverse) && !self.backing);
        let wish = if braking { 0.0 } else { self.spec.cruise_m_s().min((2.0 * BRAKING_M_S2 * free_m.max(0.0)).sqrt()) };
        let dt_s = dt_ms as f64 / 1_000.0;
        self.speed_m_s = if wish > self.speed_m_s {
            (self.speed_m_s + ACCELERATION_M_S2 * dt_s).min(wish)
        } else if braking {
            (self.speed_m_s - BRAKING_M_S2 * dt_s).max(0.0)
        } else {
            wish
        };
        if free_m <= STOP_SHORT_M && wish < 0.5 {
            self.speed_m_s = 0.0;
        }
        let moved_m = (self.speed_m_s * dt_s).min(free_m.max(0.0));
        self.front_m += self.direction() * moved_m;
        moved_m
    }

    fn choose_gear(&mut self, dt_ms: u64, sight: &Sight) {
        let standing = self.speed_m_s < 0.01;
        if self.order == Some(Order::Reverse) && standing {
            self.backing = true;
        }
        let at_line = self.heading > 0.0 && (sight.stop_line_m - self.front_m).abs() < 0.5;
        if self.spec.behaviour == Behaviour::ReverseOut && standing && at_line && !self.backing && !self.wait_over {
            self.waited_ms += dt_ms;
            if self.waited_ms >= self.spec.wait_ms.unwrap_or(5_000) {
                self.backing = true;
            }
        }
        if self.spec.behaviour == Behaviour::StopUnderBoom && standing && !self.wait_over && self.front_m > sight.boom_m {
            self.waited_ms += dt_ms;
            let wait_ms = self.spec.wait_ms.unwrap_or(0);
            if wait_ms > 0 && self.waited_ms >= wait_ms {
                self.wait_over = true;
            }
        }
    }

    /// Free way ahead in the direction of movement, m.
    fn free_m(&self, sight: &Sight) -> f64 {
        let mut free_m = f64::INFINITY;
        let direction = self.direction();
        let tailgating = self.spec.behaviour == Behaviour::Tailgate;
        if let Some(obstacle_m) = sight.obstacle_m {
            let gap_m = if tailgating { 0.8 } else { 2.0 };
            free_m = free_m.min((obstacle_m - self.leading_m()) * direction - gap_m);
        }
        if self.backing {
            return free_m;
        }
        let boom_gap_m = (sight.boom_m - self.front_m) * direction - 0.7;
        if !sight.boom_passable && boom_gap_m > -0.6 {
            free_m = free_m.min(boom_gap_m);
        }
        if self.heading > 0.0 {
            let waits = !tailgating && (self.passable_ms < self.spec.reaction_ms() || sight.light_forbids);
            let line_gap_m = sight.stop_line_m - self.front_m;
            if (waits || !sight.boom_passable) && line_gap_m > -0.3 {
                free_m = free_m.min(line_gap_m);
            }
            if self.spec.behaviour == Behaviour::StopUnderBoom && !self.wait_over {
                let under_m = sight.boom_m + self.spec.whole_length_m() / 2.0 - self.front_m;
                if under_m > -0.3 {
                    free_m = free_m.min(under_m);
                }
            }
        }
        free_m
    }
}
