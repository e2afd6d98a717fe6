export { vi } from './vi';
export { en } from './en';
export { zh } from './zh';
export type { Interface, Say, Unit, Words } from './shape';
