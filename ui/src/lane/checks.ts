// The order in which checks matter to a person. Pure.

import type { Facts, ShownCheck, Verdict } from '../kit/wire';
import type { Words } from '../kit/words';

const RESULT = { failed: 0, unknown: 1, waived: 2, passed: 3 } as const;
const LEADS = { refuse: 0, divert: 1, hold: 2, pass: 3 } as const;

/** Failed, unknown, waived, passed; among equals what leads further, then what has facts, then the lane's own order. */
export function byWeight(checks: readonly ShownCheck[]): ShownCheck[] {
  const weight = (check: ShownCheck) => RESULT[check.result] * 100 + LEADS[check.leads_to] * 10 + (check.facts.about === 'none' ? 1 : 0);
  return checks
    .map((check, place) => ({ check, place }))
    .sort((a, b) => weight(a.check) - weight(b.check) || a.place - b.place)
    .map(({ check }) => check);
}

export function title(words: Words, check: ShownCheck): string {
  return words.check[check.kind];
}

export type WeightFacts = Extract<Facts, { about: 'weight' }>;

/** What the cargo's check knows of the weight. */
export function weightFacts(verdict: Verdict | null): WeightFacts | null {
  for (const { facts } of verdict?.checks ?? []) if (facts.about === 'weight') return facts;
  return null;
}
