import type { Setting } from './setting.ts';

/** What the text of a value depends on. */
export type TextSetting = Pick<Setting<unknown, never>, 'expected'> & { readonly read: (text: string) => unknown };

/** So many of any unit of time are long enough for every setting. */
const TIME_SAMPLE = 1000;

/** A value as it would stand in the file: values are kept in milliseconds and bytes, whatever unit the file uses. */
export function valueText(setting: TextSetting, value: unknown): string {
  if (typeof value === 'boolean') return setting.expected.startsWith('yes') ? (value ? 'yes' : 'no') : String(value);
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'number') return String(value);
  // What one unit of the file stands for shows in what is read.
  for (const sample of [1, 1000, 1_000_000]) {
    const read = setting.read(String(sample));
    if (typeof read === 'number' && read >= sample && value % (read / sample) === 0) {
      return String(value / (read / sample));
    }
  }
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const read = setting.read(`1${unit}`) === setting.read('1') ? null : setting.read(`${TIME_SAMPLE}${unit}`);
    if (typeof read === 'number' && value % (read / TIME_SAMPLE) === 0) return `${value / (read / TIME_SAMPLE)}${unit}`;
  }
  return String(value);
}
