// The key sets. The letters, digits and Chinese characters are those of `lane_core::plate::symbol` (GA 36-2018).

const digits = [...'1234567890'];
const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Drawn by `Keys`; everything of more than one character is a command of the sheet. */
export const ERASE = '⌫';
export const OTHER_PAGE = '京/A';
export const SPACE = '␣';

export const plateKeys = [...digits, ...letters, OTHER_PAGE, ERASE];
export const provinceKeys = [
  ...'京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼', ...'挂学警港澳领使', OTHER_PAGE, ERASE,
];
export const loginKeys = [...digits, ...letters.map((letter) => letter.toLowerCase()), '.', '-', '_', ERASE];
export const wordKeys = [...digits, ...letters, '.', '-', SPACE, ERASE];

/** Symbols in the longest plate text (`lane_core::plate::text::PLATE_MAX_SYMBOLS`). */
export const MAX_PLATE_SYMBOLS = 12;
export const MAX_LOGIN_CHARACTERS = 32;
/** Far below the 500 bytes that a reason may have. */
export const MAX_REASON_CHARACTERS = 120;

/** What a key does to a text of at most `max` characters. */
export function typed(text: string, key: string, max: number): string {
  if (key === ERASE) return [...text].slice(0, -1).join('');
  const next = text + (key === SPACE ? ' ' : key);
  return [...next].length > max ? text : next;
}
