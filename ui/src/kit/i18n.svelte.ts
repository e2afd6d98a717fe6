// The language of the page, kept on this screen, and the helpers that need it.

import { ageParts, dayAndTime, kilograms, percent, plateText } from './format';
import { recall, remember } from './memory';
import { en, vi, zh, type Say, type Words } from './words';

export const languages: readonly Words[] = [vi, en, zh];

class Language {
  words: Words = $state.raw(languages.find((words) => words.code === recall('language')) ?? vi);
  timeZone = $state('Asia/Ho_Chi_Minh');

  choose(words: Words): void {
    this.words = words;
    remember('language', words.code);
    document.documentElement.lang = words.code;
  }

  /** `34 giây`. */
  age(ms: number): string {
    const { value, unit } = ageParts(ms);
    return `${value}\u202f${this.words.unit[unit]}`;
  }

  agency(code: string): string {
    return this.words.agency[code] ?? code;
  }

  readonly say: Say = {
    plate: (text) => (text === null ? '—' : plateText(text)),
    kg: kilograms,
    percent,
    age: (ms) => this.age(ms),
    when: (utcMs) => dayAndTime(utcMs, this.timeZone),
    agencies: (codes) => codes.map((code) => this.agency(code)).join(', '),
  };
}

export const language = new Language();
document.documentElement.lang = language.words.code;
