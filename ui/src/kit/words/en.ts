// English.

import type { ShownCheck } from '../wire';
import type { Say, Words } from './shape';

export const en: Words = {
  code: 'en',
  name: 'English',
  unit: { s: 's', min: 'min', h: 'h', d: 'days' },
  agency: {
    customs: 'Customs', border_guard: 'Border guard', health: 'Health quarantine', health_quarantine: 'Health quarantine',
    plant: 'Plant quarantine', plant_quarantine: 'Plant quarantine', animal: 'Animal quarantine', animal_quarantine: 'Animal quarantine',
    gate_board: 'Gate management board', yard: 'Yard', fee: 'Fee office', fees: 'Fee office',
  },
  phase: {
    boot: 'STARTING', idle: 'READY', identifying: 'IDENTIFYING', held: 'HELD', opening: 'OPENING', passing: 'PASSING', closing: 'CLOSING',
    faulted: 'FAULT',
  },
  mode: {
    automatic: 'Automatic', attended: 'Attended', closed: 'Lane closed', held_open: 'Held open', manual: 'By hand', maintenance: 'Maintenance',
    bring_up: 'Bring-up',
  },
  sign: {
    closed: 'LANE CLOSED', come: 'DRIVE IN', wait: 'WAIT', wait_confirmation: 'WAIT: CONFIRMATION', wait_officer: 'WAIT FOR OFFICER', go: 'GO',
    turn_back: 'TURN BACK', divert: 'TO THE YARD', stop: 'STOP',
  },
  boom: { down: 'down', up: 'up', rising: 'rising', falling: 'falling', between: 'half-way', unknown: 'unknown' },
  signal: {
    approach_loop: 'Approach loop', platform_front: 'Scale front', platform_rear: 'Scale rear', boom_loop: 'Boom loop',
    photocell: 'Photocell', exit_loop: 'Exit loop', boom_up: 'Upper limit', boom_down: 'Lower limit', e_stop: 'Emergency stop',
    operator_fault: 'Controller fault', manual_key: 'Manual key', tamper: 'Cabinet door',
  },
  camera: { front: 'Front plate', rear: 'Rear plate' },
  cameraSide: { front: 'Front', rear: 'Rear' },
  cameraDevice: { front: 'Front camera', rear: 'Rear camera' },
  cameraState: {
    absent: 'not fitted', ok: 'good', dark: 'too dark', frozen: 'frozen', no_frames: 'no pictures', down: 'not running',
    covered: 'lens covered', moved: 'was moved', glare: 'blinded by light', blurred: 'out of focus', dirty: 'dirty lens or fog',
    out_of_frame: 'plates cut off',
  },
  cameraDo: {
    absent: 'There is no such camera', ok: 'Nothing to do', dark: 'Light the lane; name plates by hand', frozen: 'Check it; name plates by hand', no_frames: 'Check its cable and power',
    down: 'Call help; name plates by hand', covered: 'Take away what covers it', moved: 'Turn it back; look before you open',
    glare: 'Shade it from sun and lamps', blurred: 'Call help to focus it', dirty: 'Wipe the glass', out_of_frame: 'Stop at the line; turn the camera',
  },
  scaleState: {
    absent: 'not fitted', streaming: 'good', not_open: 'line cannot be opened', no_bytes: 'silent', bytes_but_no_frames: 'noise, no frames',
    frames_not_understood: 'frames not understood',
  },
  severity: { notice: 'NOTICE', attend: 'ATTEND', hold: 'HOLD', block: 'BLOCKED' },
  fault: {
    boom_open_at_start: ['Boom was not down at the start', 'Look under it, then Close boom'],
    barrier_link_lost: ['I/O lost, boom not at rest', 'Look at the lane, then Reset'],
    barrier_link_hold: ['I/O link lost', 'Clears by itself; check the cable'],
    travel_timeout: ['Boom moved too long', 'Check the boom, then Reset'],
    uncommanded_movement: ['Boom moved without command', 'Look at the lane, then Reset'],
    limits_contradict: ['Limit switches contradict', 'Call the technician, then Reset'],
    presence_stuck: ['A vehicle sensor is stuck', 'Check loops and photocell'],
    presence_disagrees: ['Vehicle sensors disagree', 'Check loops and photocell'],
    photocell_blind: ['Photocell missed a vehicle', 'Clean and align the photocell'],
    output_mismatch: ['An output reads back otherwise', 'Call the technician, then Reset'],
    watchdog_not_armed: ['The I/O watchdog is not armed', 'Call the technician'],
    operator_fault: ['Boom controller faults', "Look at the boom's controller"],
    emergency_stop: ['The emergency stop is pressed', 'Danger over: release it, then Reset'],
    stop_latched: ['Stop was pressed', 'Danger over: Reset'],
    tamper: ['The cabinet is open', 'Check the cabinet'],
    wrong_way: ['A vehicle came the wrong way', 'Let it back out, then Reset'],
    tailgate: ['A second vehicle followed', 'Stop the second vehicle, then Reset'],
    passage_unclear: ["The vehicle's end was not seen", 'Look under the boom, then Reset'],
    open_too_long: ['The boom has been up too long', 'Look under it, then Close boom'],
    store_failed: ['The ledger cannot be written', "Use the boom's button; call help"],
    disk_nearly_full: ['The disk is nearly full', 'Call the technician'],
    ledger_restored: ['The ledger was restored', 'Supervisor looks, then Reset'],
    scale_silent: ['The scale sends nothing', 'Check it, or weigh elsewhere'],
    scale_problem: ['The scale reports an error', 'Look at the indicator'],
    camera_frozen: ['A camera sends no new pictures', 'Check it; name plates by hand'],
    camera_down: ['A camera is not running', 'Call help; name plates by hand'],
    camera_untrusted: ['A camera is covered or moved', 'Look at truck and plate, then agree'],
    camera_poor: ['A camera sees badly', 'Look at the picture; name plates'],
    clock_untrusted: ['The clock cannot be believed', 'Call the technician'],
    knowledge_stale: ['The declarations are old', 'Ask the centre; check papers'],
    centre_link_lost: ['No link to the centre', 'The lane works on; records wait'],
    call_unanswered: ['A vehicle called and nobody came', 'Go to the lane'],
    withdrawn_underway: ['Confirmation withdrawn', 'Stop it, tell agency, Reset'],
    internal: ['Internal fault of the lane', 'Call the technician, then Reset'],
  },
  check: {
    plate_read: 'Plate', declaration_found: 'Declaration', gate_and_direction: 'Gate, direction', active_in_window: 'Validity',
    entries_left: 'Entries', confirmations: 'Confirmations', channel: 'Channel', tractor_and_trailer: 'Tractor, trailer',
    cargo_weight: 'Cargo weight', legal_gross: 'Legal gross', calibration: 'Calibration', watchlist: 'Watchlist', instruction: 'Instruction', not_claimed: 'Other lanes',
    knowledge_fresh: 'Fresh data', lane_serves: 'Right lane',
  },
  result: { passed: 'passed', failed: 'failed', unknown: 'unknown', waived: 'waived' },
  outcome: { pass: 'pass', hold: 'hold', divert: 'divert', refuse: 'refuse' },
  role: { officer: 'officer', supervisor: 'supervisor', technician: 'technician' },
  reason: {
    documents_checked: 'Papers checked', confirmed_outside: 'Agency confirmed outside the system', device_fault: 'Device is faulty',
    ordered: 'Ordered by a superior', emergency: 'Rescue, fire, ambulance', other: 'Other (in words)',
  },
  actOutcome: {
    accepted: 'Accepted', repeated: 'Done before', passage_changed: 'Vehicle or facts changed: look, then press again',
    no_vehicle: 'No vehicle at the boom', wrong_mode: "The lane's mode forbids it", not_allowed: 'This login may not do it',
    only_at_lane: 'Only at the lane', reason_missing: 'Reason missing or too long', needs_second: 'A second person must agree',
    faulted: 'A fault forbids it: deal with the fault first', no_store: "The ledger cannot be written: use the boom's own button",
    busy: 'Another movement or permit is under way', bad_value: 'The value cannot be used',
    not_durable: 'Done, but the ledger could not be written: a power cut undoes it',
  },
  act: {
    open: 'open the boom', agree: 'agree to pass', refuse: 'refuse the vehicle', divert: 'divert the vehicle', correct_plate: 'correct the plate',
    choose_declaration: 'choose a declaration', confirm: 'confirm', set_axles: 'enter axles', hold: 'hold the vehicle',
    release: 'undo the decision', set_mode: 'change the mode', reset_faults: 'reset faults', close_boom: 'close the boom',
    open_group: 'open for several', open_emergency: 'emergency opening', second_consent: 'second consent',
  },
  direction: { outbound: 'Outbound', inbound: 'Inbound' },
  trade: {
    export: 'Export', import: 'Import', transit: 'Transit', temporary: 'Temporary import', transshipment: 'Transshipment',
    border_residents: 'Border residents', empty_return: 'Empty return', other: 'Other kind',
  },
  channel: { green: 'Green channel', yellow: 'Yellow channel', red: 'Red channel', undecided: 'No channel yet' },
  tareSource: { weighed_empty: 'weighed empty', registered: 'registered', declared: 'declared' },
  weightUnknown: {
    silent: 'the scale sends nothing', indicator_problem: 'the indicator reports an error', zero_not_captured: 'the scale has no zero',
    overload: 'the scale is overloaded', underload: 'the scale is below zero', net_shown: 'the indicator shows net',
    tare_shown: 'the indicator shows tare', gross_not_marked: 'not marked as gross', platform_empty: 'the platform is empty',
    vehicles_unknown: 'unknown how many vehicles are on it', no_vehicle: 'no vehicle on the platform',
    several_vehicles: 'more than one vehicle on the platform', not_wholly_on: 'not wholly on the platform',
    wholly_on_unknown: 'unknown whether wholly on', not_zero_before: 'the scale was not at zero before', moving: 'still moving',
    settling: 'not stable yet',
  },
  sentence: sentenceEn,
  ui: {
    stop: 'STOP', stopSoft: 'ends commands only: no software stop', stopPending: 'sending…', stopDone: 'stopped',
    stopFailed: 'NOT SENT: press the emergency stop',
    open: 'OPEN BOOM', openAgree: 'agree with the lane', openOverride: 'needs a reason', openTest: 'test', holdToOpen: 'press and hold',
    refuse: 'Refuse', divert: 'Divert', hold: 'Hold', release: 'Undo decision', confirm: 'Confirm', correctPlate: 'Correct plate', more: 'More…',
    closeBoom: 'Close boom', resetFaults: 'Reset faults', chooseDeclaration: 'Choose declaration', noTrailer: 'no trailer', validSince: (age) => `since ${age}`,
    cancel: 'Cancel', ok: 'Done', back: 'Back',
    connecting: 'Connecting to the lane', connectingHint: "Nothing known of the lane yet. Stop works.",
    stale: (age) => `SCREEN STANDS STILL: no news for ${age}`,
    staleHint: 'Do not believe what it shows. Look at the lane. Stop works.',
    oldPicture: (age) => `Picture is ${age} old`, noPicture: 'No picture',
    notRead: 'not read', twoPlates: 'two plates in view', noCamera: 'no camera', byOfficer: 'named by officer', ago: (age) => `${age} ago`,
    here: (age) => `here ${age}`, called: (age) => `Officer needed, called ${age} ago`, emptyLane: 'Lane is empty',
    emptyHint: 'No vehicle at the boom', bootHint: 'Waiting for every device to report once; nothing moves',
    noDeclaration: 'No declaration for this vehicle yet', candidates: (n) => (n === 1 ? 'One declaration may fit: look, then choose' : `${n} declarations fit: choose one`),
    until: 'until', nextPlace: 'to', perishable: 'Fresh', priority: 'Priority', moreDeclarations: (n) => `and ${n} more`,
    weight: 'Weight', gross: 'gross', tare: 'tare', net: 'cargo', declared: 'declared', allowed: 'allowed', noWeight: 'No weight yet', onScale: 'On the scale',
    approaching: 'Behind', nobodyBehind: 'nobody', unreadPlate: 'plate not read',
    checks: 'Checks', checksAll: 'All', allPassed: (n) => `All ${n} passed`, noVerdict: 'Identifying, no verdict yet',
    decidedBy: (login) => `Decided by ${login}`,
    permit: 'Permit', permitLeft: (age) => `${age} left`, permitEntered: 'vehicle is passing', noPermit: 'none',
    faults: 'Faults', noFaults: 'No faults', moreFaults: (n) => `+${n} more`,
    linkUp: 'Centre: connected', linkDown: 'OFFLINE', since: (age) => `for ${age}`, waiting: (n) => `${n} records wait`,
    knowledge: 'Data', knowledgeUnknown: 'age unknown',
    clockUntrusted: 'clock not believed',
    notFitted: 'not fitted', unknown: 'unknown', on: 'occupied', off: 'free', blocked: 'blocked', free: 'clear',
    login: 'Log in', logout: 'Log out', nobody: 'Nobody logged in', enterId: 'Login name', enterPin: 'Six-digit PIN',
    otherPerson: 'Other person', loginAgain: 'Log in to go on', noOfficers: 'This lane has no accounts yet',
    noOfficersHint: 'Call the technician: borderlane officer add makes one. Stop works without a login.',
    listUnknown: 'No list: type the login name', moreRows: 'Next page', loginFailed: 'Name or PIN is wrong', locked: (time) => `Locked, try again in ${time}`,
    sessionEnded: 'Session ended: log in again',
    whyOpen: 'Why open?', whyRefuse: 'Why refuse?', whyDivert: 'Why divert?', whyHold: 'Why hold?', whyMode: 'Why change the mode?',
    whyGroup: 'Why open for several?', whyEmergency: 'Why an emergency opening?',
    otherWords: 'Write the reason', against: (outcome) => `The lane says: ${outcome}. You take the responsibility.`,
    axles: 'Axles', modes: 'Lane mode', groupOpen: 'Open for several', groupCount: 'How many?',
    emergencyOpen: 'Emergency opening', language: 'Language', theme: 'Screen', sun: 'Sun', night: 'Night',
    secondWaiting: 'A supervisor must agree', secondAsks: (who, what) => `${who} asks: ${what}`, secondAgree: 'I agree',
    secondRanOut: 'No second person in time: nothing happened', needSupervisor: 'Supervisor logs in',
    factsChanged: 'Facts just changed: look, then press again', sending: 'sending…', waitingField: 'waiting for the field…',
    notConfirmed: 'The field has not followed: look at the lane', notSent: 'Not sent: nothing happened', done: 'Done',
    unknownAnswer: 'Unknown whether the lane took it: look at the lane', version: 'Version',
    bothCameras: 'Both cameras', cameras: 'Cameras', lookNow: 'Now', lookAccepted: (when, by) => `When accepted: ${when}, ${by}`, lookAgain: 'New picture',
    viewMissing: 'view not accepted', viewMissingHint: 'No commissioning view: nobody would notice that the camera was moved',
    viewAccept: 'Accept this view', viewTakeBack: 'Take the last view back', viewAccepted: 'The view is accepted',
    viewRefused: 'The picture is too old: take a new one, press again', viewBySocket: 'technician',
    nothingToCheck: 'No vehicle to check', barrier: 'Boom', sign: 'Sign',
  },
};

function sentenceEn(check: ShownCheck, say: Say): string {
  const { kind, result, facts } = check;
  const ok = result === 'passed';
  const waived = result === 'waived' ? 'Waived while offline. ' : '';
  switch (kind) {
    case 'plate_read':
      if (facts.about !== 'plate') return ok ? 'Plate read' : `${waived}Front plate not read`;
      if (facts.by_officer) return `${say.plate(facts.text)}, named by an officer`;
      return ok
        ? `${say.plate(facts.text)}, ${say.percent(facts.posterior_ppm)} sure`
        : `${waived}Read ${say.plate(facts.text)}, only ${say.percent(facts.posterior_ppm)} sure: look, correct if needed`;
    case 'declaration_found':
      if (facts.about === 'elsewhere') return `Declared for another gate: ${facts.gate}`;
      if (facts.about !== 'declarations') return ok ? 'Found' : `${waived}Not looked up yet`;
      if (ok) return facts.chosen.join(', ') || 'Found';
      if (result === 'failed') return 'No declaration for this plate';
      return waived + (facts.candidates > 1 ? `${facts.candidates} declarations fit: choose one` : 'Not found yet');
    case 'gate_and_direction':
      if (facts.about === 'elsewhere') return `Declared for another gate: ${facts.gate}`;
      if (ok) return 'This gate, this direction';
      return result === 'failed' ? 'Declared for the other direction' : `${waived}No declaration to compare with`;
    case 'active_in_window':
      if (facts.about !== 'window') return ok ? 'Valid' : `${waived}No declaration to look at`;
      if (ok) return `Valid until ${say.when(facts.until_ms)}`;
      if (facts.now_ms === null) return `${waived}Clock not believed: validity unknown (until ${say.when(facts.until_ms)})`;
      if (facts.now_ms < facts.from_ms) return `Not yet valid, from ${say.when(facts.from_ms)}`;
      return facts.now_ms >= facts.until_ms ? `Ran out ${say.when(facts.until_ms)}` : 'The declaration was withdrawn';
    case 'entries_left':
      if (facts.about !== 'entries') return ok ? 'Entries left' : `${waived}No declaration to count`;
      return ok ? `${facts.used} of ${facts.allowed} used` : `${waived}No entries left: ${facts.used} of ${facts.allowed} used`;
    case 'confirmations':
      if (facts.about !== 'agencies') return ok ? 'All agencies confirmed' : `${waived}No declaration to look at`;
      if (ok) return 'All agencies confirmed';
      return waived + [
        facts.refused.length > 0 ? `${say.agencies(facts.refused)} refused` : '',
        facts.holding.length > 0 ? `${say.agencies(facts.holding)} asks to hold` : '',
        facts.missing.length > 0 ? `Not confirmed by ${say.agencies(facts.missing)}` : '',
      ].filter(Boolean).join('; ');
    case 'channel':
      if (facts.about !== 'channel') return ok ? 'May pass' : `${waived}No declaration to look at`;
      if (facts.channel === 'undecided') return `${waived}Customs has not decided the channel`;
      return `${waived}${en.channel[facts.channel]}${facts.channel === 'yellow' ? ': documents' : facts.channel === 'red' ? ': inspection' : ''}`;
    case 'tractor_and_trailer': {
      if (facts.about !== 'plates') return ok ? 'As declared' : `${waived}No declaration to compare with`;
      if (ok) return 'Tractor and trailer as declared';
      const [front, rear] = facts.read;
      const [tractor, trailer] = facts.declared;
      return `${waived}Read ${say.plate(front)} / ${say.plate(rear)}, declared ${say.plate(tractor)} / ${say.plate(trailer)}`;
    }
    case 'cargo_weight': {
      if (facts.about !== 'weight') return ok ? 'As declared' : `${waived}No declaration to compare with`;
      if (facts.why_unknown) return `${waived}Not weighed: ${en.weightUnknown[facts.why_unknown]}`;
      if (facts.declared_grams === null) return `${waived}The declaration names no weight`;
      if (facts.tare_grams === null || facts.gross_grams === null) return `${waived}Tare of the vehicle not known`;
      const net = facts.gross_grams - facts.tare_grams;
      const text = `Cargo ${say.kg(net)} kg, declared ${say.kg(facts.declared_grams)} kg`;
      if (ok || result === 'waived') return waived + text;
      const apart = net - facts.declared_grams;
      return `Off by ${apart > 0 ? '+' : ''}${say.kg(apart)} kg. ${text}`;
    }
    case 'legal_gross':
      if (facts.about !== 'legal') return ok ? 'Within the limit' : `${waived}Not known`;
      if (facts.axles === null) return `${waived}Axles not known: count and enter`;
      if (facts.limit_grams === null) return `${waived}No limit for ${facts.axles} axles`;
      if (facts.gross_grams === null) return `${waived}Not weighed (limit ${say.kg(facts.limit_grams)} kg, ${facts.axles} axles)`;
      return ok
        ? `${say.kg(facts.gross_grams)} of ${say.kg(facts.limit_grams)} kg, ${facts.axles} axles`
        : `${waived}Overloaded by ${say.kg(facts.gross_grams - facts.limit_grams)} kg: ${say.kg(facts.gross_grams)} / ${say.kg(facts.limit_grams)} kg, ${facts.axles} axles`;
    case 'calibration':
      if (ok) return 'Scale is in calibration';
      return result === 'failed' ? "The scale's calibration ran out" : `${waived}Calibration not known`;
    case 'watchlist':
      return `${waived}On the watchlist`;
    case 'instruction':
      if (ok) return 'No special instruction';
      return result === 'failed' ? 'Call the supervisor' : `${waived}Instructions could not be looked up`;
    case 'not_claimed':
      if (facts.about === 'claimed') return `In use at lane ${facts.lane}`;
      return ok ? 'No other lane claims it' : `${waived}Offline: another lane may claim it`;
    case 'knowledge_fresh':
      if (facts.about !== 'age' || facts.age_s === null) return ok ? 'Fresh' : `${waived}Age of the data not known`;
      return ok
        ? `Updated ${say.age(facts.age_s * 1000)} ago`
        : `${waived}Data is ${say.age(facts.age_s * 1000)} old, ${say.age(facts.limit_s * 1000)} allowed`;
    case 'lane_serves':
      if (ok) return 'Lane serves this kind';
      return result === 'failed' ? 'Lane does not serve this kind, or another lane was assigned' : `${waived}No declaration to compare with`;
  }
}
