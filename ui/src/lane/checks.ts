// The order in which checks matter to a person. Pure.

import type { Check } from '../kit/wire';
import type { Words } from '../kit/words';

const RESULT = { failed: 0, unknown: 1, waived: 2, passed: 3 } as const;
const LEADS = { refuse: 0, divert: 1, hold: 2, pass: 3 } as const;

/** Failed, unknown, waived, passed; among equals what leads further, then what has facts, then the lane's own order. */
export function byWeight(checks: readonly Check[]): Check[] {
  const weight = (check: Check) => RESULT[check.result] * 100 + LEADS[check.leads_to] * 10 + (check.facts.about === 'none' ? 1 : 0);
  return checks
    .map((check, place) => ({ check, place }))
    .sort((a, b) => weight(a.check) - weight(b.check) || a.place - b.place)
    .map(({ check }) => check);
}

/** A watch that the lane may not see is called by a neutral name. */
export function title(words: Words, check: Check): string {
  const guarded = check.kind === 'watchlist' && check.result === 'failed' && !(check.facts.about === 'watched' && check.facts.lane_may_see);
  return guarded ? words.guardedCheck : words.check[check.kind];
}
