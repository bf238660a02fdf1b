/**
 * The four-letter words (client-protocol reference, section 1.4): what the first four bytes of a connection are when read
 * as an int. All are far above any legal frame length.
 */
export const FourLetterWord = {
  conf: 0x636f6e66,
  cons: 0x636f6e73,
  crst: 0x63727374,
  dirs: 0x64697273,
  dump: 0x64756d70,
  envi: 0x656e7669,
  gtmk: 0x67746d6b,
  ruok: 0x72756f6b,
  stmk: 0x73746d6b,
  srst: 0x73727374,
  srvr: 0x73727672,
  stat: 0x73746174,
  wchc: 0x77636863,
  wchp: 0x77636870,
  wchs: 0x77636873,
  mntr: 0x6d6e7472,
  isro: 0x6973726f,
  hash: 0x68617368,
} as const;

export type FourLetterName = keyof typeof FourLetterWord;

/** What a telnet client sends to close: the bytes ff f4 ff fd, as an int. The connection is closed without an answer. */
export const TELNET_CLOSE = -0x000b0003;

/** Bytes that follow `stmk`: a trace mask. */
export const TRACE_MASK_BYTES = 8;

const nameOf: ReadonlyMap<number, FourLetterName> = new Map(
  (Object.keys(FourLetterWord) as FourLetterName[]).map((name): [number, FourLetterName] => [
    FourLetterWord[name],
    name,
  ]),
);

/** The word whose code this is, or undefined. */
export function fourLetterNameOf(code: number): FourLetterName | undefined {
  return nameOf.get(code);
}
