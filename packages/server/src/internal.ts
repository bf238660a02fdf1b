/** The side door: what the sister packages and the project's own scripts need and nobody else should. */
export { SETTINGS } from './config/schema.ts';
export type { Setting } from './config/setting.ts';
