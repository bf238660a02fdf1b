import { isMemberKey } from './members.ts';
import { readProperties } from './properties.ts';

/** Name of the file of a committed membership, beside the configuration file. */
export function dynamicFileName(configFile: string, version: number): string {
  return `${configFile}.dynamic.${version.toString(16)}`;
}

/** Name of the file of a membership that is proposed. */
export function nextFileName(configFile: string): string {
  return `${configFile}.dynamic.next`;
}

/**
 * A configuration file without its members, which `dynamicFile` holds now. All other lines stay as they are, comments
 * included.
 *
 * @param withoutClient whether the members' lines hold this server's client port and address, too.
 */
export function staticFileText(text: string, dynamicFile: string, withoutClient: boolean): string {
  const lines = text.split(/\r\n|\n|\r/);
  const gone = new Set<number>();
  for (const { key, line, lastLine } of readProperties(text)) {
    const moved =
      isMemberKey(key) ||
      key === 'peerType' ||
      (withoutClient && (key === 'clientPort' || key === 'clientPortAddress'));
    if (moved) for (let at = line; at <= lastLine; at++) gone.add(at - 1);
  }
  const kept = lines.filter((_, at) => !gone.has(at));
  while (kept.at(-1) === '') kept.pop();
  // A backslash begins an escape in this syntax.
  return `${[...kept, `dynamicConfigFile=${dynamicFile.replaceAll('\\', '\\\\')}`].join('\n')}\n`;
}

/** How the files of a membership are named and written; for `ConfigFiles`. */
export const configFileForms: {
  readonly dynamicFileName: typeof dynamicFileName;
  readonly nextFileName: typeof nextFileName;
  readonly staticFileText: typeof staticFileText;
} = { dynamicFileName, nextFileName, staticFileText };
