/** Controls, line separators, marks that change the direction of text, lone surrogates: what can make one line look like another. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
const HIDDEN_OR_BACKSLASH = /[\p{C}\p{Zl}\p{Zp}\\]/gu;
const SHORT: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
]);

/**
 * Text of somebody else's as it may stand in a line of text: whatever could end the line, begin another field, or hide is
 * spelled out, `\t`, `\n`, `\r` or `\uXXXX`; a backslash is doubled (CVE-2026-84439, CVE-2026-84501).
 */
export function visibleText(text: string): string {
  return text.replace(HIDDEN_OR_BACKSLASH, (character) => SHORT.get(character) ?? unitsOf(character));
}

/** The same for a text in JSON, which means what it meant: JSON itself spells out only the first 32 characters. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN, unitsOf);
}

function unitsOf(character: string): string {
  let text = '';
  for (let i = 0; i < character.length; i++) text += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
