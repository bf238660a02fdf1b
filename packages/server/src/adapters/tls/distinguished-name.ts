import { DerReader, DerTag, type DerValue } from './der-reader.ts';

/** The attributes that RFC 2253 has short names for; all others go by their numbers. */
const NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

const SET = 0x31;
/** UTF8String, PrintableString, TeletexString, IA5String, GeneralString, BMPString. */
const STRING_TAGS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1e]);

/**
 * A name out of a certificate, as Java's `X500Principal.getName()` writes it (RFC 2253): the last part first, separated by
 * commas without blanks. It is what access control lists of scheme x509 hold, so every byte counts. Throws `DerError`.
 */
export function rfc2253Name(name: Buffer): string {
  const parts: string[] = [];
  const reader = new DerReader(name).into(DerTag.sequence);
  while (!reader.isAtEnd) {
    const attributes: string[] = [];
    const part = reader.into(SET);
    while (!part.isAtEnd) attributes.push(attributeText(part.into(DerTag.sequence)));
    parts.push(attributes.join('+'));
  }
  return parts.reverse().join(',');
}

function attributeText(attribute: DerReader): string {
  const oid = attribute.oid();
  const value = attribute.any();
  const text = stringOf(value);
  const name = NAMES[oid];
  return name === undefined || text === null
    ? `${name ?? oid}=#${value.whole.toString('hex')}`
    : `${name}=${escaped(text)}`;
}

/** A string of a kind that Java writes as text; whatever its kind, Java takes its bytes for UTF-8, and so must we. */
function stringOf({ tag, contents }: DerValue): string | null {
  return STRING_TAGS.has(tag) ? contents.toString('utf8') : null;
}

function escaped(text: string): string {
  const inner = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00');
  const lead = /^[ \r]*/.exec(inner)?.[0].length ?? 0;
  if (lead === inner.length) return inner.replace(/[\s\S]/g, '\\$&');
  const trail = /[ \r]*$/.exec(inner)?.[0].length ?? 0;
  const end = inner.length - trail;
  const protect = (blanks: string): string => blanks.replace(/[\s\S]/g, '\\$&');
  return protect(inner.slice(0, lead)) + inner.slice(lead, end) + protect(inner.slice(end));
}
