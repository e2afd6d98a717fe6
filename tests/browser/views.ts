// Views of a lane, as the daemon would send them: the fixtures of the browser tests.
import type { CameraSight, DeclarationView, Facts, LaneView, Outcome, Second, ShownCheck, ShownKind, Signal, SignalName, Vehicle, ViewFrame } from '../../ui/src/kit/wire';

export const PASSAGE = '00112233445566778899aabbccddeeff-41';
export const NOON_MS = 1_795_322_400_000;
const HOUR_MS = 3_600_000;
export const FRONT = 'aa'.repeat(32);
export const REAR = 'bb'.repeat(32);
export const CROP = 'cc'.repeat(32);
export const QUAD: [number, number][] = [[98, 58], [158, 60], [158, 78], [98, 76]];

const NAMES: SignalName[] = [
  'approach_loop', 'platform_front', 'platform_rear', 'boom_loop', 'photocell', 'exit_loop', 'boom_up', 'boom_down', 'e_stop', 'operator_fault',
  'manual_key', 'tamper',
];

const SIGHT: CameraSight = {
  since_ms: 3_600_000, measured: null, picture: null, accepted: { picture: FRONT, utc_ms: NOON_MS - 44 * HOUR_MS, by: 'giamsat.minh' }, has_previous: false,
};

export function signals(on: SignalName[]): Signal[] {
  return NAMES.map((name) => ({ name, on: on.includes(name), present: name !== 'exit_loop', age_ms: 40 }));
}

export function check(kind: ShownKind, result: ShownCheck['result'], leads_to: Outcome, facts: Facts = { about: 'none' }): ShownCheck {
  return { kind, result, leads_to, facts };
}

function checks(replaced: ShownCheck[]): ShownCheck[] {
  const all: ShownCheck[] = [
    check('plate_read', 'passed', 'pass', { about: 'plate', text: '12C12345', posterior_ppm: 991_000, margin_ppm: 940_000, by_officer: false }),
    check('declaration_found', 'passed', 'pass', { about: 'declarations', candidates: 1, chosen: ['XK-2026-004711'] }),
    check('gate_and_direction', 'passed', 'pass'),
    check('active_in_window', 'passed', 'pass', { about: 'window', from_ms: NOON_MS - HOUR_MS, until_ms: NOON_MS + 30 * HOUR_MS, now_ms: NOON_MS }),
    check('entries_left', 'passed', 'pass', { about: 'entries', used: 0, allowed: 1 }),
    check('confirmations', 'passed', 'pass', { about: 'agencies', missing: [], holding: [], refused: [] }),
    check('channel', 'passed', 'pass', { about: 'channel', channel: 'green' }),
    check('tractor_and_trailer', 'passed', 'pass', { about: 'plates', read: ['12C12345', '12R01234'], declared: ['12C12345', '12R01234'] }),
    check('cargo_weight', 'passed', 'pass', {
      about: 'weight', gross_grams: 38_420_000, tare_grams: 15_200_000, tare_source: 'weighed_empty', declared_grams: 23_000_000,
      min_grams: 22_310_000, max_grams: 23_690_000, why_unknown: null,
    }),
    check('legal_gross', 'passed', 'pass', { about: 'legal', gross_grams: 38_420_000, limit_grams: 40_000_000, axles: 6 }),
    check('calibration', 'passed', 'pass'),
    check('instruction', 'passed', 'pass'),
    check('not_claimed', 'passed', 'pass'),
    check('knowledge_fresh', 'passed', 'pass', { about: 'age', age_s: 6, limit_s: 900 }),
    check('lane_serves', 'passed', 'pass'),
  ];
  return all.map((standard) => replaced.find((other) => other.kind === standard.kind) ?? standard);
}

export function vehicle(outcome: Outcome, replaced: ShownCheck[] = [], more: Partial<Vehicle> = {}): Vehicle {
  return {
    passage: PASSAGE,
    here_ms: 41_000,
    plates: [
      { camera: 'front', text: '12C12345', probability_ppm: 973_000, by_officer: false, others: [], contested: false, evidence: FRONT, crop: CROP, quad: QUAD, age_ms: 2_100 },
      { camera: 'rear', text: '12R01234', probability_ppm: 948_000, by_officer: false, others: [], contested: false, evidence: REAR, crop: null, quad: null, age_ms: 3_400 },
    ],
    gross_grams: 38_420_000,
    gross_age_ms: 1_200,
    gross_unknown: null,
    declarations: [
      {
        id: 'XK-2026-004711', trade: 'export', direction: 'outbound', plate: '12C12345', trailer_plate: '12R01234',
        goods: 'Sầu riêng tươi, 1 150 thùng', perishable: true, priority: false, cargo_grams: 23_000_000, channel: 'green',
        valid_from_ms: NOON_MS - 3 * HOUR_MS, valid_until_ms: NOON_MS + 30 * HOUR_MS, next_place: 'Bãi Bảo Nguyên',
      },
    ],
    candidates: [],
    verdict: { outcome, checks: checks(replaced), age_ms: 900 },
    called_ms: null,
    decided_by: null,
    ...more,
  };
}

/** Declarations that compete for one vehicle. */
export function candidates(count: number): DeclarationView[] {
  const standard = vehicle('pass').declarations[0]!;
  const others: Partial<DeclarationView>[] = [
    {}, { id: 'XK-2026-004712', trailer_plate: '12R05678', goods: 'Thanh long, 900 thùng', channel: 'yellow', valid_from_ms: NOON_MS - 26 * HOUR_MS },
    { id: 'XK-2026-004719', plate: '12C12346', trailer_plate: null, goods: 'Linh kiện điện tử và hàng tiêu dùng nhiều loại, 24 kiện gỗ', channel: 'red' },
  ];
  return Array.from({ length: count }, (_, n) => ({ ...standard, id: `XK-2026-0050${String(n).padStart(2, '0')}`, ...others[n] }));
}

export function view(more: Partial<LaneView> = {}): LaneView {
  return {
    phase: 'idle', mode: 'automatic', stamp: 17, at_boom: null, approaching: null, boom: 'down', permit: null, signals: signals(['boom_down']),
    faults: [], stop_latched: false, platform_grams: 0, platform_age_ms: 120, cameras: ['ok', 'ok'], scale: 'streaming', sign: 'come',
    knowledge_age_s: 6, link_up: true, store_ok: true, waiting_second: null,
    ...more,
  };
}

export function frame(lane: LaneView, more: Partial<ViewFrame> = {}): ViewFrame {
  return {
    turn: 1, now_ms: 812_345, utc_ms: NOON_MS, clock_trusted: true, lane: 'L3', site: 'Hữu Nghị', time_zone: 'Asia/Ho_Chi_Minh',
    link: { since_ms: 125_000, waiting_records: 0 }, software_stop: true, versions: { program: '0.1.0' }, view: lane,
    cameras: [SIGHT, { ...SIGHT, accepted: { picture: REAR, utc_ms: NOON_MS - 20 * HOUR_MS, by: null } }],
    ...more,
  };
}

const truckSignals = signals(['platform_front', 'platform_rear', 'boom_loop', 'boom_down']);

/** lan.nguyen asked to open against the lane's verdict. */
export const SECOND: Second = {
  to: 'act-0001', by: { id: 'lan.nguyen', agency: 'customs', role: 'officer' },
  act: { do: 'open', reason: { code: 'confirmed_outside', text: '' } }, left_ms: 52_000,
};

export const scenes = {
  idle: () => frame(view()),
  boot: () => frame(view({ phase: 'boot', boom: 'unknown', sign: 'stop', signals: signals([]).map((s) => ({ ...s, on: null, age_ms: null })), platform_grams: null, platform_age_ms: null, scale: 'no_bytes', knowledge_age_s: null, link_up: false })),
  passing: () => frame(view({ phase: 'identifying', mode: 'attended', at_boom: vehicle('pass'), signals: truckSignals, platform_grams: 38_420_000, sign: 'wait' })),
  /** Plant quarantine has not confirmed. */
  held: (): ViewFrame =>
    frame(view({
      phase: 'held', signals: truckSignals, platform_grams: 38_420_000, sign: 'wait_confirmation',
      at_boom: vehicle('hold', [check('confirmations', 'unknown', 'hold', { about: 'agencies', missing: ['plant_quarantine'], holding: [], refused: [] })]),
      approaching: vehicle('hold', [], { passage: null, here_ms: 12_000, plates: [], verdict: null }),
    })),
  /** An override waits for a supervisor. */
  second: (): ViewFrame => {
    const held = scenes.held();
    return { ...held, view: { ...held.view, waiting_second: SECOND } };
  },
  /** The link to the centre is cut, everything else is good. */
  offline: (): ViewFrame => {
    const held = scenes.held();
    return { ...held, link: { since_ms: 7_500_000, waiting_records: 412 }, view: { ...held.view, link_up: false, knowledge_age_s: 7_520 } };
  },
  /** One camera covered, the other dirty and never accepted. */
  covered: () =>
    frame(
      view({
        cameras: ['covered', 'dirty'],
        faults: [{ fault: 'camera_untrusted', severity: 'attend', age_ms: 95_000 }, { fault: 'camera_poor', severity: 'notice', age_ms: 700_000 }],
      }),
      { cameras: [{ ...SIGHT, since_ms: 95_000, picture: FRONT, has_previous: true }, { ...SIGHT, since_ms: 700_000, picture: REAR, accepted: null }] },
    ),
  /** As much wrong as a screen must bear. */
  worst: () =>
    frame(
      view({
        phase: 'faulted', mode: 'held_open', boom: 'between', sign: 'stop', link_up: false, store_ok: false, knowledge_age_s: 8_200, waiting_second: null,
        signals: signals(['platform_front', 'photocell']).map((s) => (s.name === 'boom_loop' ? { ...s, on: null, age_ms: 42_000 } : s)),
        platform_grams: null, platform_age_ms: null, scale: 'bytes_but_no_frames', cameras: ['frozen', 'dark'],
        faults: [
          { fault: 'uncommanded_movement', severity: 'block', age_ms: 12_000 }, { fault: 'passage_unclear', severity: 'block', age_ms: 184_000 },
          { fault: 'barrier_link_hold', severity: 'hold', age_ms: 42_000 }, { fault: 'withdrawn_underway', severity: 'attend', age_ms: 4_000 },
          { fault: 'centre_link_lost', severity: 'notice', age_ms: 9_000_000 },
        ],
        at_boom: vehicle('refuse', [
          check('plate_read', 'unknown', 'hold', { about: 'plate', text: '12LD12345', posterior_ppm: 612_000, margin_ppm: 90_000, by_officer: false }),
          check('confirmations', 'failed', 'refuse', { about: 'agencies', missing: ['plant_quarantine', 'health_quarantine'], holding: ['border_guard'], refused: ['customs'] }),
          check('channel', 'failed', 'divert', { about: 'channel', channel: 'red' }),
          check('tractor_and_trailer', 'failed', 'hold', { about: 'plates', read: ['12LD12345', null], declared: ['12C12345', '12R01234'] }),
          check('cargo_weight', 'failed', 'hold', {
            about: 'weight', gross_grams: 44_980_000, tare_grams: 15_200_000, tare_source: 'registered', declared_grams: 23_000_000,
            min_grams: 22_310_000, max_grams: 23_690_000, why_unknown: null,
          }),
          check('legal_gross', 'failed', 'hold', { about: 'legal', gross_grams: 44_980_000, limit_grams: 40_000_000, axles: 6 }),
          check('knowledge_fresh', 'failed', 'hold', { about: 'age', age_s: 8_200, limit_s: 900 }),
          check('not_claimed', 'unknown', 'hold'), check('instruction', 'failed', 'hold'),
        ], {
          called_ms: 34_000, gross_grams: 44_980_000, decided_by: null,
          declarations: [{ ...vehicle('pass').declarations[0]!, channel: 'red', priority: true, goods: 'Linh kiện điện tử và hàng tiêu dùng nhiều loại, 24 kiện gỗ' }],
          plates: [
            {
              camera: 'front', text: '12LD12345', probability_ppm: 612_000, by_officer: false, contested: false, evidence: FRONT, crop: CROP, quad: QUAD, age_ms: 130_000,
              others: [
                { text: '12LD12346', probability_ppm: 201_000 },
                { text: '12LD1Z345', probability_ppm: 90_000 },
                { text: '12ID12345', probability_ppm: 40_000 },
                { text: '12LD1234', probability_ppm: 11_000 },
              ],
            },
          ],
        }),
        approaching: vehicle('hold', [], { passage: null, here_ms: 212_000 }),
      }),
      { link: { since_ms: 9_000_000, waiting_records: 1284 }, software_stop: false },
    ),
  /** Nothing known of the vehicle, three declarations fit. */
  choosing: () =>
    frame(view({
      phase: 'held', mode: 'attended', sign: 'wait_officer', signals: truckSignals, platform_grams: 38_420_000,
      at_boom: vehicle('hold', [
        check('declaration_found', 'unknown', 'hold', { about: 'declarations', candidates: 3, chosen: [] }),
        ...(['gate_and_direction', 'active_in_window', 'entries_left', 'confirmations', 'channel', 'tractor_and_trailer', 'cargo_weight', 'lane_serves'] as const)
          .map((kind) => check(kind, 'unknown', 'hold')),
        check('legal_gross', 'unknown', 'hold', { about: 'legal', gross_grams: 38_420_000, limit_grams: null, axles: null }),
      ], { declarations: [], candidates: candidates(3), called_ms: 21_000 }),
    })),
} satisfies Record<string, () => ViewFrame>;
