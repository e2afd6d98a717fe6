// Written from the types of the Rust crate `lane-link` (view, view_api, words, record, declaration, camera): do not edit. To write it anew:
//   BORDERLANE_REWRITE_WIRE=1 cargo test -p lane-link --test wire_ts
// Weights are grams, times and ages milliseconds, unless the name says otherwise. Whole numbers of 64 bits are `number`: counters and milliseconds
// stay below 2^53 (285,000 years), grams below 9 million million tonnes.

/** A commissioning view: how a camera looked when a person accepted it. */
export type AcceptedView = {
/** SHA-256 of the picture, lower-case hex. */
picture: string,
/** When, UTC. */
utc_ms: number,
/** Who; `None`: at the lane's control socket. */
by: string | null, };

/** What a person did. */
export type Act = { "do": "open", reason: Reason, } | { "do": "agree" } | { "do": "refuse", reason: Reason, } | { "do": "divert", reason: Reason, } | { "do": "correct_plate", camera: Camera, plate: string, } | { "do": "choose_declaration", declaration: string, } | { "do": "confirm" } | { "do": "set_axles", axles: number, } | { "do": "hold", reason: Reason, } | { "do": "release" } | { "do": "set_mode", mode: Mode, reason: Reason, } | { "do": "reset_faults" } | { "do": "close_boom" } | { "do": "open_group", count: number, reason: Reason, } | { "do": "open_emergency", reason: Reason, } | { "do": "second_consent", to: string, };

/** Its answer. */
export type ActAnswer = {
/** What became of it. */
outcome: ActOutcome, };

/** What became of an act. */
export type ActOutcome = "accepted" | "repeated" | "passage_changed" | "no_vehicle" | "wrong_mode" | "not_allowed" | "only_at_lane" | "reason_missing" | "needs_second" | "faulted" | "no_store" | "busy" | "bad_value" | "not_durable";

/** `POST /api/act`. */
export type ActRequest = {
/** 8 to 64 characters of `[0-9A-Za-z-]`, made for this press. */
id: string,
/** The vehicle the person decided on. */
passage: string | null,
/** [`LaneView::stamp`] of the view the person decided on. */
view_stamp: number | null,
/** What. */
act: Act, };

/** The body of an answer with a status of 400 or more. */
export type ApiError = {
/** A word for the page. */
error: string,
/** A sentence in Vietnamese. */
message_vi: string,
/** A sentence in English. */
message_en: string,
/** A sentence in Chinese. */
message_zh: string,
/** With `locked`: seconds until the next PIN is looked at. */
retry_after_s?: number, };

/** The event `beat`, every 500 ms. */
export type Beat = {
/** The lane loop's own counter: nobody else moves it. */
turn: number,
/** Milliseconds since boot. */
now_ms: number,
/** Wall clock. */
utc_ms: number,
/** May it be believed? */
clock_trusted: boolean, };

/** The boom. */
export type Boom = "down" | "up" | "rising" | "falling" | "between" | "unknown";

/** Which camera. */
export type Camera = "front" | "rear";

/** What is known of a camera besides its state. */
export type CameraSight = {
/** For how long its state has been what it is, milliseconds. */
since_ms: number | null,
/** What the state was judged by when it began. */
measured: Measured | null,
/** The picture that shows the state, as evidence. */
picture: string | null,
/** The commissioning view; `None`: nobody has accepted one, and a move cannot be seen. */
accepted: AcceptedView | null,
/** There is a view before this one that can be taken back. */
has_previous: boolean, };

/** A camera's state. */
export type CameraState = "absent" | "ok" | "dark" | "frozen" | "no_frames" | "down" | "covered" | "moved" | "glare" | "blurred" | "dirty" | "out_of_frame";

/** Customs' risk channel. */
export type Channel = "green" | "yellow" | "red" | "undecided";

/** Every check there is. */
export type CheckKind = "plate_read" | "declaration_found" | "gate_and_direction" | "active_in_window" | "entries_left" | "confirmations" | "channel" | "tractor_and_trailer" | "cargo_weight" | "legal_gross" | "calibration" | "watchlist" | "not_claimed" | "knowledge_fresh" | "lane_serves";

/** How a check came out. */
export type CheckResult = "passed" | "failed" | "unknown" | "waived";

/** A declaration as an officer needs it. */
export type DeclarationView = {
/** Its name. */
id: string,
/** Trade type. */
trade: TradeType,
/** Direction. */
direction: Direction,
/** Tractor. */
plate: string,
/** Trailer. */
trailer_plate: string | null,
/** Goods. */
goods: string,
/** Perishable. */
perishable: boolean,
/** Priority. */
priority: boolean,
/** Cargo. */
cargo_grams: number | null,
/** Channel. */
channel: Channel,
/** In force from, UTC milliseconds. */
valid_from_ms: number,
/** In force until (exclusive), UTC milliseconds. */
valid_until_ms: number,
/** Next place. */
next_place: string | null, };

/** Which way. */
export type Direction = "outbound" | "inbound";

/** The facts of a check. */
export type Facts = { "about": "none" } | { "about": "plate", text: string, posterior_ppm: number, margin_ppm: number, by_officer: boolean, } | { "about": "declarations", candidates: number, chosen: Array<string>, } | { "about": "elsewhere", gate: string, } | { "about": "window", from_ms: number, until_ms: number, now_ms: number | null, } | { "about": "entries", used: number, allowed: number, } | { "about": "agencies", missing: Array<string>, holding: Array<string>, refused: Array<string>, } | { "about": "channel", channel: Channel, } | { "about": "plates", read: [string | null, string | null], declared: [string | null, string | null], } | { "about": "weight", gross_grams: number | null, tare_grams: number | null, tare_source: TareSource | null, declared_grams: number | null, min_grams: number | null, max_grams: number | null, why_unknown: WeightUnknown | null, } | { "about": "legal", gross_grams: number | null, limit_grams: number | null, axles: number | null, } | { "about": "claimed", lane: string, } | { "about": "age", age_s: number | null, limit_s: number, } | { "about": "watched", lane_may_see: boolean, };

/** Everything that can be wrong with a lane. */
export type Fault = "boom_open_at_start" | "barrier_link_lost" | "barrier_link_hold" | "travel_timeout" | "uncommanded_movement" | "limits_contradict" | "presence_stuck" | "presence_disagrees" | "photocell_blind" | "output_mismatch" | "watchdog_not_armed" | "operator_fault" | "emergency_stop" | "stop_latched" | "tamper" | "wrong_way" | "tailgate" | "passage_unclear" | "open_too_long" | "store_failed" | "disk_nearly_full" | "ledger_restored" | "scale_silent" | "scale_problem" | "camera_frozen" | "camera_down" | "camera_untrusted" | "camera_poor" | "clock_untrusted" | "knowledge_stale" | "centre_link_lost" | "call_unanswered" | "withdrawn_underway" | "internal";

/** A standing fault. */
export type FaultView = {
/** Which. */
fault: Fault,
/** What it does. */
severity: Severity,
/** Since. */
age_ms: number, };

/** Stands for the watchlist where the lane may not see it, or where there is nothing to see. */
export type Instruction = "instruction";

/** Everything a screen needs of the lane. */
export type LaneView = {
/** Phase. */
phase: Phase,
/** Mode. */
mode: Mode,
/** Stamp of what a decision rests on: send it back with an act. */
stamp: number,
/** At the boom. */
at_boom: Vehicle | null,
/** Behind. */
approaching: Vehicle | null,
/** Boom. */
boom: Boom,
/** Permit. */
permit: Permit | null,
/** Signals. */
signals: Array<Signal>,
/** Faults, worst first. */
faults: Array<FaultView>,
/** Stop is latched. */
stop_latched: boolean,
/** Live platform weight. */
platform_grams: number | null,
/** Its age. */
platform_age_ms: number | null,
/** Front and rear camera. */
cameras: [CameraState, CameraState],
/** Scale. */
scale: ScaleState,
/** Driver's sign. */
sign: Sign,
/** Age of the replicas. */
knowledge_age_s: number | null,
/** Centre reachable. */
link_up: boolean,
/** Store can commit. */
store_ok: boolean,
/** An act waits for a second person. */
waiting_second: Second | null, };

/** The way to the centre. */
export type LinkFacts = {
/** For how long the centre has been reachable or not, milliseconds. */
since_ms: number | null,
/** Records it has not acknowledged. */
waiting_records: number, };

/** `POST /api/login`. */
export type LoginRequest = {
/** 1 to 32 characters of `[a-z0-9._-]`. */
id: string,
/** Six digits. */
pin: string, };

/** What a camera's condition was judged by. Permille unless said otherwise; `None`: could not be told. */
export type Measured = {
/** Mean brightness. */
brightness_permille: number,
/** Share of pixels white to the stop. */
washed_out_permille: number,
/** Share of tiles without structure. */
flat_permille: number | null,
/** Slope of the sharper edges. */
sharpness_permille: number | null,
/** Share of the structured tiles that lost their structure. */
spoiled_permille: number,
/** How well the commissioning view fits where it fits best. */
match_permille: number | null,
/** How far the picture moved against the commissioning view, of its width. */
shift_permille: number | null,
/** Turn against the commissioning view, permille of a radian. */
turn_permille: number | null,
/** Zoom against the commissioning view. */
zoom_permille: number | null, };

/** Mode of the lane. */
export type Mode = "automatic" | "attended" | "closed" | "held_open" | "manual" | "maintenance" | "bring_up";

/** A person who may log in here: nothing that proves anything. */
export type OfficerRow = {
/** The login. */
id: string,
/** The agency. */
agency: string,
/** The role. */
role: Role,
/** Seconds until the next PIN is looked at; `None`: not locked. */
locked_s: number | null, };

/** The answer to `GET /api/officers`. */
export type OfficersAnswer = {
/** By agency and login. */
officers: Array<OfficerRow>, };

/** A text that a plate may also bear. */
export type OtherText = {
/** The text. */
text: string,
/** Its certainty, parts per million. */
probability_ppm: number, };

/** Where a verdict leads. */
export type Outcome = "pass" | "hold" | "divert" | "refuse";

/** The live permit. */
export type Permit = {
/** Kind. */
permit: PermitKind,
/** Time left to begin. */
left_ms: number,
/** The vehicle has entered. */
entered: boolean, };

/** Whom a permit admits. */
export type PermitKind = { "kind": "passage" } | { "kind": "group",
/** How many. */
count: number, } | { "kind": "emergency" } | { "kind": "test" };

/** A person. */
export type Person = {
/** Login. */
id: string,
/** Agency. */
agency: string,
/** Role. */
role: Role, };

/** Phase of the lane. */
export type Phase = "boot" | "idle" | "identifying" | "held" | "opening" | "passing" | "closing" | "faulted";

/** A plate. */
export type Plate = {
/** Which camera. */
camera: Camera,
/** Best text. */
text: string,
/** Certainty of the text, parts per million. */
probability_ppm: number,
/** Named by an officer. */
by_officer: boolean,
/** The next likely texts, likeliest first; at most four. */
others: Array<OtherText>,
/** Another plate in view may as well be the vehicle's. */
contested: boolean,
/** The picture, by digest: `/api/evidence/{digest}`. */
evidence: string | null,
/** The plate cut out of it and pulled straight, by digest. */
crop: string | null,
/** Corners of the plate in pixels of the picture: top left, top right, bottom right, bottom left. */
quad: [[number, number], [number, number], [number, number], [number, number]] | null,
/** Age of the last frame. */
age_ms: number, };

/** A reason. */
export type Reason = {
/** Which button. */
code: ReasonCode,
/** Words. */
text?: string, };

/** The reason pad. */
export type ReasonCode = "documents_checked" | "confirmed_outside" | "device_fault" | "ordered" | "emergency" | "other";

/** What a person is trusted with. */
export type Role = "officer" | "supervisor" | "technician";

/** The scale line's state. */
export type ScaleState = "absent" | "streaming" | "not_open" | "no_bytes" | "bytes_but_no_frames" | "frames_not_understood";

/** An act that waits for a second person. */
export type Second = {
/** The act's id: what the second person's `second_consent` names. */
to: string,
/** Who asked. */
by: Person,
/** For what, with the reason. */
act: Act,
/** Time left to agree. */
left_ms: number, };

/** Who works the screen. */
export type Session = {
/** The login. */
id: string,
/** The agency. */
agency: string,
/** The role. */
role: Role,
/** Left until it ends by idleness. */
idle_left_ms: number, };

/** The answer to `GET /api/session`, `POST /api/login`, `POST /api/logout`. */
export type SessionAnswer = {
/** `None`: nobody. */
session: Session | null, };

/** What a fault does. */
export type Severity = "notice" | "attend" | "hold" | "block";

/** One check, as a screen at the lane may see it. */
export type ShownCheck = {
/** Which. */
kind: ShownKind,
/** How it came out. */
result: CheckResult,
/** Where it leads. */
leads_to: Outcome,
/** Why. */
facts: Facts, };

/** What a check is called on a screen. */
export type ShownKind = CheckKind | Instruction;

/** The driver's sign. */
export type Sign = "closed" | "come" | "wait" | "wait_confirmation" | "wait_officer" | "go" | "turn_back" | "divert" | "stop";

/** The event `sign`: all that the driver's sign may know. No check, no agency, no watchlist, no risk. */
export type SignFrame = {
/** What it shows. */
sign: Sign,
/** The vehicle's plate. */
plate: string | null,
/** The vehicle is here since. */
here_ms: number | null,
/** Live weight of the platform. */
gross_grams: number | null, };

/** A signal. */
export type Signal = {
/** Its name as in the settings: `boom_loop`, `photocell`, ... */
name: SignalName,
/** On, off, or unknown. */
on: boolean | null,
/** Part of this lane? */
present: boolean,
/** Age; absent: never seen. */
age_ms: number | null, };

/** An input of the lane. */
export type SignalName = "approach_loop" | "platform_front" | "platform_rear" | "boom_loop" | "photocell" | "exit_loop" | "boom_up" | "boom_down" | "e_stop" | "operator_fault" | "manual_key" | "tamper";

/** The answer to `POST /api/stop`. */
export type StopAnswer = {
/** The press was handed to the barrier. */
stopped: boolean, };

/** Where a tare comes from. */
export type TareSource = "weighed_empty" | "registered" | "declared";

/** Trade type. */
export type TradeType = "export" | "import" | "transit" | "temporary" | "transshipment" | "border_residents" | "empty_return" | "other";

/** A vehicle. */
export type Vehicle = {
/** Passage. */
passage: string | null,
/** Here since. */
here_ms: number,
/** Plates. */
plates: Array<Plate>,
/** Gross. */
gross_grams: number | null,
/** Age of the gross. */
gross_age_ms: number | null,
/** Why there is no gross. */
gross_unknown: WeightUnknown | null,
/** Chosen declarations. */
declarations: Array<DeclarationView>,
/** Competing candidates, for the officer to choose from by what the picture shows. */
candidates: Array<DeclarationView>,
/** Verdict. */
verdict: Verdict | null,
/** An officer is called since. */
called_ms: number | null,
/** A person decided: login. */
decided_by: string | null, };

/** A verdict. */
export type Verdict = {
/** Where it leads. */
outcome: Outcome,
/** Every check, in order. */
checks: Array<ShownCheck>,
/** Age. */
age_ms: number, };

/** Programs. */
export type Versions = {
/** The daemon's. */
program: string, };

/** `POST /api/camera/{front|rear}/view`, by a supervisor. */
export type ViewAct = { "do": "accept",
/** Its `ETag`: SHA-256 in hex. */
picture: string, } | { "do": "take_back" };

/** Its answer. */
export type ViewAnswer = {
/** The view that counts from now on. */
accepted: AcceptedView | null, };

/** One view of the lane with what a screen shows around it: the event `view`. */
export type ViewFrame = {
/** Completed turns of the lane loop when the view was made. */
turn: number,
/** Milliseconds since boot when the view was made. */
now_ms: number,
/** Wall clock then. */
utc_ms: number,
/** May it be believed? */
clock_trusted: boolean,
/** The lane's name. */
lane: string,
/** The site's name, for people. */
site: string,
/** IANA time zone of the site. */
time_zone: string,
/** The way to the centre. */
link: LinkFacts,
/** The barrier's profile has a `stop_output`. */
software_stop: boolean,
/** Programs. */
versions: Versions,
/** The lane. */
view: LaneView,
/** The front and the rear camera, beside their state in the view. */
cameras: [CameraSight, CameraSight], };

/** Why there is no weighing. */
export type WeightUnknown = "silent" | "indicator_problem" | "zero_not_captured" | "overload" | "underload" | "net_shown" | "tare_shown" | "gross_not_marked" | "platform_empty" | "vehicles_unknown" | "no_vehicle" | "several_vehicles" | "not_wholly_on" | "wholly_on_unknown" | "not_zero_before" | "moving" | "settling";
