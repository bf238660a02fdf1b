/** The habits of this house that no linter knows. Each fixed bug of a kind may add a rule here. */

export interface BannedText {
  readonly rule: string;
  readonly pattern: RegExp;
  /** What is wrong and what to do instead. */
  readonly instead: string;
  /** Where it is looked for. */
  readonly where: (file: string) => boolean;
  readonly inside: 'code' | 'comments' | 'raw';
}

const typescript = (file: string): boolean => file.endsWith('.ts');
const testFile = (file: string): boolean => typescript(file) && /(^|\/)test\//.test(file);
const shippedSource = (file: string): boolean => /^packages\/(protocol|server)\/src\//.test(file);
const serverMain = 'packages/server/src/main.ts';

export const bannedTexts: readonly BannedText[] = [
  {
    rule: 'sleep',
    pattern: /\bawait\s+(?:\w+\.)?(?:setTimeout|sleep|delay)\s*\(|new\s+Promise\b[^;]{0,80}=>\s*\{?\s*setTimeout\s*\(/g,
    instead: 'a test waits for a condition or an event, never for time to pass',
    where: testFile,
    inside: 'code',
  },
  {
    rule: 'console',
    pattern: /\bconsole\s*\./g,
    instead: 'use the logger that main.ts hands in',
    where: shippedSource,
    inside: 'code',
  },
  {
    rule: 'clock',
    pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\s*\.\s*now\b|\bprocess\s*\.\s*hrtime\b/g,
    instead: 'only adapters/system reads a clock; take the Clock port',
    // main.ts hands clocks to what needs them.
    where: (file) =>
      shippedSource(file) && file !== serverMain && !file.startsWith('packages/server/src/adapters/system/'),
    inside: 'code',
  },
  {
    rule: 'random',
    pattern: /\bMath\s*\.\s*random\b|\brandomBytes\b|\brandomUUID\b|\brandomInt\b/g,
    instead: 'randomness comes from an adapter, so that a seed can replace it',
    where: (file) => shippedSource(file) && !file.startsWith('packages/server/src/adapters/') && file !== serverMain,
    inside: 'code',
  },
  {
    rule: 'exit',
    pattern: /\bprocess\s*\.\s*(?:exit|abort)\b/g,
    instead: 'only main.ts and the commands end the process',
    where: (file) => shippedSource(file) && file !== serverMain,
    inside: 'code',
  },
  {
    rule: 'environment',
    pattern: /\bprocess\s*\.\s*(?:env|argv)\b/g,
    instead: 'settings are parsed once, in main.ts and config/, and handed down',
    // Some libraries can be told a thing in no other way.
    where: (file) =>
      shippedSource(file) &&
      file !== serverMain &&
      !file.startsWith('packages/server/src/config/') &&
      !file.startsWith('packages/server/src/adapters/system/'),
    inside: 'code',
  },
  {
    rule: 'leftover',
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g,
    instead: 'finish it, or write an issue',
    where: (file) => /\.[cm]?[jt]s$/.test(file),
    inside: 'comments',
  },
  {
    rule: 'leftover',
    pattern: /\b(?:TODO|FIXME)\b/g,
    instead: 'finish it, or write an issue',
    where: (file) => /\.(?:md|sh|ya?ml|json|cfg)$/.test(file) || !/\.\w+$/.test(file),
    inside: 'raw',
  },
  {
    rule: 'unrun-test',
    pattern: /\b(?:test|it|describe|suite|t)\s*\.\s*(?:only|skip|todo)\s*\(|\b(?:only|skip|todo)\s*:\s*(?:true|['"`])/g,
    instead: 'every test runs every time',
    where: testFile,
    inside: 'code',
  },
  {
    rule: 'types-off',
    pattern: /@ts-(?:ignore|nocheck)|@ts-expect-error(?!:?\s+\S.{10,})/g,
    instead: 'fix the type, or use the expect form with a reason',
    where: typescript,
    inside: 'comments',
  },
  {
    rule: 'lint-off',
    pattern: /biome-ignore(?!(?:-\w+)? [\w/]+: ?\S.{10,})|eslint-disable/g,
    instead: 'give the reason after the rule, or fix the code',
    where: typescript,
    inside: 'comments',
  },
  {
    rule: 'debugger',
    pattern: /(?<![\w$.])debugger\s*;/g,
    instead: 'remove it',
    where: typescript,
    inside: 'code',
  },
  {
    rule: 'default-export',
    pattern: /\bexport\s+default\b|\bexport\s*\*\s*from\b/g,
    instead: 'export by name, one name at a time',
    where: typescript,
    inside: 'code',
  },
  {
    rule: 'machine-path',
    // Split, so that this file does not find itself.
    pattern: new RegExp(
      ['(?<![\\w.-])/wo' + 'rk/(?:main|shared)', '(?<!\\w)\\.lib' + 'rary\\b', '/ro' + 'ot/(?!\\.)'].join('|'),
      'g',
    ),
    instead: 'name nothing that exists on one machine only',
    where: (file) => !/\.(?:bin|jar|gz|png|log)$/.test(file),
    inside: 'raw',
  },
];

/** Longest file, in lines. A file above it must be listed in `longFiles` with its exact ceiling. */
export const fileLinesMax = 600;

/** A ratchet: ceilings may only fall, and an entry that is no longer needed is an error. */
export const longFiles: Readonly<Record<string, number>> = {};

/** Functions longer than this are named as a warning. */
export const functionLinesWarn = 120;

/** File names: a noun in kebab-case; `utils` is no noun. */
export const fileNamePattern =
  /^(?!utils?\.|helpers?\.|common\.|misc\.)[a-z0-9]+(?:-[a-z0-9]+)*(?:(?:\.[a-z]+)?\.test)?\.ts$/;
