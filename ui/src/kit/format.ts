// Numbers, ages, clocks and plates as people read them. Pure.

/** Grams as kilograms with thin groups: `24 350`. */
export function kilograms(grams: number): string {
  const kg = Math.round(grams / 1000);
  const sign = kg < 0 ? '−' : '';
  return sign + String(Math.abs(kg)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Parts per million as whole percent, never rounded up to a certainty it does not have. */
export function percent(ppm: number): string {
  return `${Math.floor(ppm / 10_000)}\u202f%`;
}

/** An age split into the largest unit that says enough. */
export function ageParts(ms: number): { value: number; unit: 's' | 'min' | 'h' | 'd' } {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 120) return { value: s, unit: 's' };
  if (s < 2 * 3600) return { value: Math.floor(s / 60), unit: 'min' };
  if (s < 48 * 3600) return { value: Math.floor(s / 3600), unit: 'h' };
  return { value: Math.floor(s / 86_400), unit: 'd' };
}

/** `4:32` until something ends; rounded up, so that it ends at 0:00. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** `14:03:09` at the gate, whatever the kiosk's own time zone. */
export function clock(utcMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(utcMs);
}

/** `22/11 14:03`. */
export function dayAndTime(utcMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit' });
  return parts.format(utcMs).replace(',', '');
}

/** A plate in its normal form, with the separators it is painted with where the form is sure. */
export function plateText(text: string): string {
  const vietnamese = /^(\d{2}[A-Z]{1,2})(\d{3})(\d{2})$/.exec(text) ?? /^(\d{2}[A-Z]{1,2})(\d{4})$/.exec(text);
  if (vietnamese) return vietnamese[3] ? `${vietnamese[1]}-${vietnamese[2]}.${vietnamese[3]}` : `${vietnamese[1]}-${vietnamese[2]}`;
  const chinese = /^(\p{Script=Han}[A-Z])([0-9A-Z]{5,6})$/u.exec(text);
  return chinese ? `${chinese[1]}·${chinese[2]}` : text;
}
