export { vi } from './vi';
export { en } from './en';
export type { Interface, Say, Unit, Words } from './shape';
