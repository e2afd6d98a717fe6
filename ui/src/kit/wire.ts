// The wire types of the screens, named as in the Rust crate `lane-link` (view, words, record) and docs/screen-api.md.
// Weights are grams, times and ages milliseconds unless the name says otherwise.

export type Phase = 'boot' | 'idle' | 'identifying' | 'held' | 'opening' | 'passing' | 'closing' | 'faulted';
export type Mode = 'automatic' | 'attended' | 'closed' | 'held_open' | 'manual' | 'maintenance' | 'bring_up';
export type Sign = 'closed' | 'come' | 'wait' | 'wait_confirmation' | 'wait_officer' | 'go' | 'turn_back' | 'divert' | 'stop';
export type Boom = 'down' | 'up' | 'rising' | 'falling' | 'between' | 'unknown';
export type Camera = 'front' | 'rear';
export type CameraState = 'absent' | 'ok' | 'dark' | 'frozen' | 'no_frames' | 'down';
export type ScaleState = 'absent' | 'streaming' | 'not_open' | 'no_bytes' | 'bytes_but_no_frames' | 'frames_not_understood';
export type Severity = 'notice' | 'attend' | 'hold' | 'block';
export type Fault =
  | 'boom_open_at_start' | 'barrier_link_lost' | 'barrier_link_hold' | 'travel_timeout' | 'uncommanded_movement' | 'limits_contradict'
  | 'presence_stuck' | 'presence_disagrees' | 'photocell_blind' | 'output_mismatch' | 'watchdog_not_armed' | 'operator_fault'
  | 'emergency_stop' | 'stop_latched' | 'tamper' | 'wrong_way' | 'tailgate' | 'passage_unclear' | 'open_too_long' | 'store_failed'
  | 'disk_nearly_full' | 'ledger_restored' | 'scale_silent' | 'scale_problem' | 'camera_frozen' | 'camera_down' | 'clock_untrusted'
  | 'knowledge_stale' | 'centre_link_lost' | 'call_unanswered' | 'withdrawn_underway' | 'internal';
export type CheckKind =
  | 'plate_read' | 'declaration_found' | 'gate_and_direction' | 'active_in_window' | 'entries_left' | 'confirmations' | 'channel'
  | 'tractor_and_trailer' | 'cargo_weight' | 'legal_gross' | 'calibration' | 'watchlist' | 'not_claimed' | 'knowledge_fresh' | 'lane_serves';
export type CheckResult = 'passed' | 'failed' | 'unknown' | 'waived';
export type Outcome = 'pass' | 'hold' | 'divert' | 'refuse';
export type Role = 'officer' | 'supervisor' | 'technician';
export type ReasonCode = 'documents_checked' | 'confirmed_outside' | 'device_fault' | 'ordered' | 'emergency' | 'other';
export type ActOutcome =
  | 'accepted' | 'repeated' | 'passage_changed' | 'no_vehicle' | 'wrong_mode' | 'not_allowed' | 'only_at_lane' | 'reason_missing'
  | 'needs_second' | 'faulted' | 'no_store' | 'busy' | 'bad_value' | 'not_durable';
export type WeightUnknown =
  | 'silent' | 'indicator_problem' | 'zero_not_captured' | 'overload' | 'underload' | 'net_shown' | 'tare_shown' | 'gross_not_marked'
  | 'platform_empty' | 'vehicles_unknown' | 'no_vehicle' | 'several_vehicles' | 'not_wholly_on' | 'wholly_on_unknown' | 'not_zero_before'
  | 'moving' | 'settling';
export type Direction = 'outbound' | 'inbound';
export type TradeType = 'export' | 'import' | 'transit' | 'temporary' | 'transshipment' | 'border_residents' | 'empty_return' | 'other';
export type Channel = 'green' | 'yellow' | 'red' | 'undecided';
export type TareSource = 'weighed_empty' | 'registered' | 'declared';
export type SignalName =
  | 'approach_loop' | 'platform_front' | 'platform_rear' | 'boom_loop' | 'photocell' | 'exit_loop' | 'boom_up' | 'boom_down' | 'e_stop'
  | 'operator_fault' | 'manual_key' | 'tamper';

export type PermitKind = { kind: 'passage' } | { kind: 'group'; count: number } | { kind: 'emergency' } | { kind: 'test' };

export interface Signal { name: SignalName; on: boolean | null; present: boolean; age_ms: number | null }
export interface Plate {
  camera: Camera; text: string; probability_ppm: number; by_officer: boolean; evidence: string | null; age_ms: number;
}

export type Facts =
  | { about: 'none' }
  | { about: 'plate'; text: string; posterior_ppm: number; margin_ppm: number; by_officer: boolean }
  | { about: 'declarations'; candidates: number; chosen: string[] }
  | { about: 'elsewhere'; gate: string }
  | { about: 'window'; from_ms: number; until_ms: number; now_ms: number | null }
  | { about: 'entries'; used: number; allowed: number }
  | { about: 'agencies'; missing: string[]; holding: string[]; refused: string[] }
  | { about: 'channel'; channel: Channel }
  | { about: 'plates'; read: [string | null, string | null]; declared: [string | null, string | null] }
  | WeightFacts
  | { about: 'legal'; gross_grams: number | null; limit_grams: number | null; axles: number | null }
  | { about: 'claimed'; lane: string }
  | { about: 'age'; age_s: number | null; limit_s: number }
  | { about: 'watched'; lane_may_see: boolean };
export interface WeightFacts {
  about: 'weight'; gross_grams: number | null; tare_grams: number | null; tare_source: TareSource | null; declared_grams: number | null;
  min_grams: number | null; max_grams: number | null; why_unknown: WeightUnknown | null;
}

export interface Check { kind: CheckKind; result: CheckResult; leads_to: Outcome; facts: Facts }
export interface Verdict { outcome: Outcome; checks: Check[]; age_ms: number }
export interface DeclarationView {
  id: string; trade: TradeType; direction: Direction; plate: string; trailer_plate: string | null; goods: string; perishable: boolean;
  priority: boolean; cargo_grams: number | null; channel: Channel; valid_until_ms: number; next_place: string | null;
}
export interface Vehicle {
  passage: string | null; here_ms: number; plates: Plate[]; gross_grams: number | null; gross_age_ms: number | null;
  gross_unknown: WeightUnknown | null; declarations: DeclarationView[]; candidates: string[]; verdict: Verdict | null;
  called_ms: number | null; decided_by: string | null;
}
export interface Permit { permit: PermitKind; left_ms: number; entered: boolean }
export interface FaultView { fault: Fault; severity: Severity; age_ms: number }
export interface LaneView {
  phase: Phase; mode: Mode; stamp: number; at_boom: Vehicle | null; approaching: Vehicle | null; boom: Boom; permit: Permit | null;
  signals: Signal[]; faults: FaultView[]; stop_latched: boolean; platform_grams: number | null; platform_age_ms: number | null;
  cameras: [CameraState, CameraState]; scale: ScaleState; sign: Sign; knowledge_age_s: number | null; link_up: boolean;
  store_ok: boolean; waiting_second: string | null;
}

export interface Reason { code: ReasonCode; text?: string }
export type Act =
  | { do: 'open'; reason: Reason }
  | { do: 'agree' }
  | { do: 'refuse'; reason: Reason }
  | { do: 'divert'; reason: Reason }
  | { do: 'correct_plate'; camera: Camera; plate: string }
  | { do: 'choose_declaration'; declaration: string }
  | { do: 'confirm' }
  | { do: 'set_axles'; axles: number }
  | { do: 'hold'; reason: Reason }
  | { do: 'release' }
  | { do: 'set_mode'; mode: Mode; reason: Reason }
  | { do: 'reset_faults' }
  | { do: 'close_boom' }
  | { do: 'open_group'; count: number; reason: Reason }
  | { do: 'open_emergency'; reason: Reason }
  | { do: 'second_consent'; to: string };

// docs/screen-api.md

export interface Beat { turn: number; now_ms: number; utc_ms: number; clock_trusted: boolean }
export interface Frame extends Beat {
  lane: string; site: string; time_zone: string;
  link: { since_ms: number | null; waiting_records: number; oldest_waiting_ms: number | null };
  software_stop: boolean;
  versions: { program: string };
  view: LaneView;
}
export interface ActRequest { id: string; passage: string | null; view_stamp: number; act: Act }
export interface Session { id: string; agency: string; role: Role; idle_left_ms: number }
export interface SignFrame { sign: Sign; plate: string | null; here_ms: number | null; gross_grams: number | null }
export interface ApiError { error: string; message_vi: string; message_en: string; retry_after_s?: number }
