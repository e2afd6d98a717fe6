// Every check, however it came out and whatever its facts, has a sentence in every language. No browser.
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { ageParts, kilograms, percent, plateText } from '../../ui/src/kit/format';
import type { CheckResult, Facts, ShownCheck, ShownKind, WeightUnknown } from '../../ui/src/kit/wire';
import { en, vi, zh, type Say, type Words } from '../../ui/src/kit/words';

function sayIn(words: Words): Say {
  return {
    plate: (text) => (text === null ? '—' : plateText(text)),
    kg: kilograms,
    percent,
    age: (ms) => `${ageParts(ms).value} ${words.unit[ageParts(ms).unit]}`,
    when: (utcMs) => new Date(utcMs).toISOString(),
    agencies: (codes) => codes.map((code) => words.agency[code] ?? code).join(', '),
  };
}

const RESULTS: CheckResult[] = ['passed', 'failed', 'unknown', 'waived'];
const weight = (more: Partial<Extract<Facts, { about: 'weight' }>>): Facts => ({
  about: 'weight', gross_grams: 30_000_000, tare_grams: 15_000_000, tare_source: 'declared', declared_grams: 14_000_000, min_grams: 13_000_000,
  max_grams: 15_000_000, why_unknown: null, ...more,
});
const FACTS: Record<ShownKind, Facts[]> = {
  plate_read: [{ about: 'plate', text: '12C12345', posterior_ppm: 999_999, margin_ppm: 1, by_officer: false }, { about: 'plate', text: '12C12345', posterior_ppm: 1_000_000, margin_ppm: 1, by_officer: true }],
  declaration_found: [{ about: 'declarations', candidates: 0, chosen: [] }, { about: 'declarations', candidates: 3, chosen: ['A'] }, { about: 'elsewhere', gate: 'tan-thanh' }],
  gate_and_direction: [{ about: 'elsewhere', gate: 'tan-thanh' }],
  active_in_window: [{ about: 'window', from_ms: 1, until_ms: 3, now_ms: 2 }, { about: 'window', from_ms: 1, until_ms: 3, now_ms: null }, { about: 'window', from_ms: 1, until_ms: 3, now_ms: 0 }, { about: 'window', from_ms: 1, until_ms: 3, now_ms: 9 }],
  entries_left: [{ about: 'entries', used: 1, allowed: 1 }],
  confirmations: [{ about: 'agencies', missing: ['customs', 'unheard_of'], holding: ['plant'], refused: ['health'] }],
  channel: (['green', 'yellow', 'red', 'undecided'] as const).map((channel) => ({ about: 'channel', channel })),
  tractor_and_trailer: [{ about: 'plates', read: ['12C12345', null], declared: [null, '12R01234'] }],
  cargo_weight: [weight({}), weight({ tare_grams: null }), weight({ declared_grams: null }), ...(Object.keys(vi.weightUnknown) as WeightUnknown[]).map((why_unknown) => weight({ gross_grams: null, why_unknown }))],
  legal_gross: [{ about: 'legal', gross_grams: 41_000_000, limit_grams: 40_000_000, axles: 5 }, { about: 'legal', gross_grams: null, limit_grams: 40_000_000, axles: 5 }, { about: 'legal', gross_grams: 1, limit_grams: null, axles: 5 }, { about: 'legal', gross_grams: 1, limit_grams: null, axles: null }],
  calibration: [],
  watchlist: [{ about: 'watched', lane_may_see: true }],
  instruction: [],
  not_claimed: [{ about: 'claimed', lane: 'L4' }],
  knowledge_fresh: [{ about: 'age', age_s: 5_000, limit_s: 900 }, { about: 'age', age_s: null, limit_s: 900 }],
  lane_serves: [],
};

const LANGUAGES = [vi, en, zh];

for (const words of LANGUAGES) {
  test(`${words.name}: every check, result and facts has its sentence`, () => {
    for (const [kind, facts] of Object.entries(FACTS) as [ShownKind, Facts[]][]) {
      for (const result of RESULTS) {
        for (const fact of [...facts, { about: 'none' } as const]) {
          const check: ShownCheck = { kind, result, leads_to: 'hold', facts: fact };
          const text = words.sentence(check, sayIn(words));
          expect(text, `${kind} ${result} ${JSON.stringify(fact)}`).toMatch(/\S/);
          expect(text, `${kind} ${result} ${JSON.stringify(fact)}`).not.toMatch(/undefined|NaN|null|\[object/);
        }
      }
    }
  });
}

/** `phase.boot`, `ui.stop`, ...: every text of a language, with what it says. */
function texts(words: Words): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'string') found.set(path, value);
    else if (typeof value === 'function') found.set(path, path === 'sentence' ? 'sentence' : String((value as (...given: string[]) => string)('1', '2')));
    else for (const [key, inner] of Object.entries(value as object)) walk(inner, path === '' ? key : `${path}.${key}`);
  };
  walk(words, '');
  return found;
}

test('all languages have the same keys, and nothing is empty or left in another language', () => {
  const keys = [...texts(vi).keys()].sort();
  for (const words of LANGUAGES) {
    expect([...texts(words).keys()].sort(), words.name).toEqual(keys);
    for (const [key, text] of texts(words)) expect(text, `${words.code} ${key}`).toMatch(/\S/);
  }
  for (const [key, text] of texts(zh)) {
    if (!['code', 'sentence'].includes(key)) expect(text, `zh ${key}`).toMatch(/\p{Script=Han}/u);
  }
});

test('no text of the page is unused', async () => {
  const src = new URL('../../ui/src/', import.meta.url);
  const files = (await readdir(src, { recursive: true })).filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes('words/') && !name.endsWith('wire.ts'));
  const code = (await Promise.all(files.map((name) => readFile(new URL(name, src), 'utf8')))).join('\n');
  expect(code).toContain('language.words');
  expect(Object.keys(vi.ui).filter((key) => !new RegExp(`\\bui\\.${key}\\b`).test(code)), 'of ui').toEqual([]);
  expect(Object.keys(vi).filter((key) => !new RegExp(`\\b(words|vi|language|each)\\.${key}\\b`).test(code)), 'of the language').toEqual([]);
});

test('a certainty is never rounded up', () => {
  expect(percent(999_999)).toBe('99\u202f%');
});

test('plates get the separators they are painted with, and only where the form is sure', () => {
  expect(plateText('12C12345')).toBe('12C-123.45');
  expect(plateText('29LD1234')).toBe('29LD-1234');
  expect(plateText('桂F12345')).toBe('桂F·12345');
  expect(plateText('AB1')).toBe('AB1');
});

test('weights are whole kilograms, grouped', () => {
  expect(kilograms(38_420_400)).toBe('38\u202f420');
  expect(kilograms(-1_500_000)).toBe('−1\u202f500');
});
