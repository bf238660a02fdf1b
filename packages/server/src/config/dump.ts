import { type ConfigValues, SETTINGS, type ServerConfig } from './schema.ts';
import { type TextSetting, valueText } from './value-text.ts';

/** One setting of a configuration in force. */
export interface DumpedSetting {
  readonly key: string;
  /** The value as it would stand in the file; secrets are `***`, what has no value is empty. */
  readonly value: string;
  /** Where the value was given, such as `zoo.cfg:3`, `JVMFLAGS` or `-D`; `default` when it was not. */
  readonly origin: string;
}

const HIDDEN = '***';
const DEFAULT_ORIGIN = 'default';

/** Every setting with its value and where that comes from, in the order of the reference; then the members' lines. */
export function dumpConfig(config: ServerConfig): DumpedSetting[] {
  const settings: DumpedSetting[] = [];
  const shown = new Set<string>();
  for (const name of Object.keys(SETTINGS) as (keyof ConfigValues)[]) {
    const { key } = SETTINGS[name];
    shown.add(key);
    settings.push({ key, value: settingText(name, config), origin: config.given.get(key)?.where ?? DEFAULT_ORIGIN });
  }
  for (const [key, { text, where }] of config.given)
    if (!shown.has(key)) settings.push({ key, value: text, origin: where });
  return settings;
}

/** The value of a setting as it would stand in the file; `***` for a secret, empty for none. */
export function settingText(name: keyof ConfigValues, config: ServerConfig): string {
  const setting = SETTINGS[name] as unknown as TextSetting & { readonly key: string; readonly secret?: true };
  const value: unknown = config[name];
  if (value === null || value === undefined) return '';
  if (setting.secret) return HIDDEN;
  // What is made of several words or numbers is shown as it was written.
  const isPlain = typeof value !== 'object' || Array.isArray(value);
  return isPlain ? valueText(setting, value) : (config.given.get(setting.key)?.text ?? '');
}
