// Does the view show that an accepted act has taken effect in the field? Pure. Until it does, the press stays pending.

import type { Act, LaneView, Vehicle } from '../kit/wire';

/** `agency`: of the person who acted. */
export function shows(view: LaneView, act: Act, agency: string): boolean {
  const vehicle = view.at_boom;
  switch (act.do) {
    case 'open':
    case 'agree':
      return moves(view);
    case 'open_group':
      return view.permit?.permit.kind === 'group' && moves(view);
    case 'open_emergency':
      return view.permit?.permit.kind === 'emergency' && moves(view);
    case 'close_boom':
      return view.boom === 'falling' || view.boom === 'down';
    case 'refuse':
    case 'divert':
    case 'hold':
      return vehicle !== null && vehicle.decided_by !== null;
    case 'release':
      return vehicle === null || vehicle.decided_by === null;
    case 'correct_plate':
      return vehicle?.plates.some((plate) => plate.camera === act.camera && plate.by_officer && plate.text === act.plate) ?? false;
    case 'choose_declaration':
      return vehicle?.declarations.some((declaration) => declaration.id === act.declaration) ?? false;
    case 'confirm':
      return vehicle !== null && !missingAgencies(vehicle).includes(agency);
    case 'set_axles':
      return vehicle?.verdict?.checks.some((check) => check.facts.about === 'legal' && check.facts.axles === act.axles) ?? false;
    case 'set_mode':
      return view.mode === act.mode;
    case 'reset_faults':
      return !view.stop_latched && !view.faults.some((standing) => standing.severity === 'block');
    case 'second_consent':
      return view.waiting_second === null;
  }
}

/** The boom is up or on its way: not merely a permit. */
function moves(view: LaneView): boolean {
  return view.boom === 'rising' || view.boom === 'up' || view.phase === 'passing';
}

/** Agencies that have not confirmed. */
export function missingAgencies(vehicle: Vehicle): string[] {
  return (vehicle.verdict?.checks ?? []).flatMap((check) => (check.facts.about === 'agencies' ? check.facts.missing : []));
}
