import { isAuthFamilyKey, isMemberKey, knownElsewhere, SETTINGS, type Setting } from '@headkeeper/server/internal';
import { defaultText } from '../config-reference.ts';
import { KEY_JUDGEMENTS } from './judgements.ts';
import type { Row } from './row.ts';

type AnySetting = Parameters<typeof defaultText>[0] & Pick<Setting<unknown, never>, 'aliases'>;

const BY_NAME = new Map<string, AnySetting>();
for (const setting of Object.values(SETTINGS) as unknown as AnySetting[]) {
  for (const name of [setting.key, ...(setting.aliases ?? [])]) BY_NAME.set(name, setting);
}

/** What becomes of a key, given as `name` or `name=default`. */
export function judgeKey(text: string): Row {
  const [name = '', apacheDefault] = text.split(/=(.*)/s);
  const key = name.replace(/\bN$/, '1');
  const setting = BY_NAME.get(key);
  const note = KEY_JUDGEMENTS[key]?.different;
  if (note !== undefined) return { name, status: 'different', note };
  if (setting !== undefined) return judgeSetting(name, setting, apacheDefault);
  if (isMemberKey(key)) return { name, status: 'supported', note: '' };
  if (isAuthFamilyKey(key)) return judgeAuthFamily(name);
  const known = knownElsewhere(key);
  if (known?.kind === 'needless') return { name, status: 'not applicable', note: known.why };
  return { name, status: known === undefined ? 'unknown' : 'not yet', note: '' };
}

function judgeAuthFamily(name: string): Row {
  const note = "Apache's own providers are built in; Java classes of others cannot be loaded.";
  return name.startsWith('authProvider')
    ? { name, status: 'different', note }
    : { name, status: 'supported', note: '' };
}

function judgeSetting(name: string, setting: AnySetting, apacheDefault: string | undefined): Row {
  if (setting.pending) return { name, status: 'not yet', note: '' };
  const accepted = /^Accepted for compatibility[:,]? *(.*)$/s.exec(setting.doc);
  if (accepted !== null) return { name, status: 'not applicable', note: accepted[1] as string };
  const here = defaultText(setting);
  const isComparable = apacheDefault !== undefined && !/^(must be set|see text|none)$/.test(here);
  if (isComparable && here !== apacheDefault) {
    return { name, status: 'different', note: `By default ${here}; on Apache ${apacheDefault}.` };
  }
  return { name, status: 'supported', note: setting.key === name ? '' : `as \`${setting.key}\`` };
}
