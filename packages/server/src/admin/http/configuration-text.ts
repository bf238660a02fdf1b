import { SETTINGS } from '../../config/schema.ts';
import type { Setting } from '../../config/setting.ts';

const SECRET_KEYS = (Object.values(SETTINGS) as Pick<Setting<unknown, unknown>, 'key' | 'aliases' | 'secret'>[])
  .filter(({ secret }) => secret === true)
  .flatMap(({ key, aliases = [] }) => [key, ...aliases])
  .map((key) => key.replaceAll('.', '\\.'));

/** Settings whose values nobody is shown, whether this server knows them or not. */
const SECRET = new RegExp(
  `^\\s*(?:[\\w.-]*(?:passw|secret|superDigest|credential|token)[\\w.-]*|(?:zookeeper\\.)?(?:${SECRET_KEYS.join('|')}))\\s*[=:\\s]`,
  'i',
);

/** A configuration file as it may be shown: passwords and the like are blotted out, which Apache does not do. */
export function withoutSecrets(text: string): string {
  let hidden = false;
  return text
    .split('\n')
    .map((line) => {
      const isSecret = hidden || SECRET.test(line);
      // A value goes on behind a backslash at the end of its line.
      hidden = isSecret && /\\\r?$/.test(line);
      return isSecret
        ? line.replace(/^(\s*[\w.-]+\s*[=:\s]\s*).*$|^.*$/, (_, name?: string) => `${name ?? ''}***`)
        : line;
    })
    .join('\n');
}
