import { DerError, DerReader, DerTag, dotted } from './der-reader.ts';
import { rfc2253Name } from './distinguished-name.ts';

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const BOOLEAN = 0x01;
const EXTENSIONS = 0xa3;
const CLASS_BITS = 0xc0;
const CONTEXT_CLASS = 0x80;
const NUMBER_BITS = 0x1f;
/** Kinds of alternative names (RFC 5280, GeneralName) that have a text. */
const NameKind = { email: 1, dns: 2, directory: 4, uri: 6, address: 7, registered: 8 } as const;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** What makes the identity of a certificate. */
export interface CertificateIdRules {
  readonly type: 'subject' | 'SAN';
  /** Kind of alternative name, as RFC 5280 numbers them. */
  readonly matchType: number | null;
  readonly matchRegex: RegExp;
  readonly extractRegex: RegExp;
  readonly extractGroup: number;
}

/**
 * The identity in scheme x509 of the client with this certificate (DER): its subject, or the part of one of its alternative
 * names that the rules pick. As on Apache the subject takes its place where not exactly one name matches. Throws `DerError` when the certificate cannot be read.
 */
export function certificateId(certificate: Buffer, rules: CertificateIdRules): string {
  const fields = tbsCertificate(certificate);
  if (rules.type === 'SAN') {
    const matching = alternativeNames(fields).filter(
      ({ kind, text }) => kind === rules.matchType && text !== null && rules.matchRegex.test(text),
    );
    const [only] = matching;
    if (matching.length === 1 && only !== undefined) {
      const id = rules.extractRegex.exec(only.text ?? '')?.[rules.extractGroup];
      if (id !== undefined) return id;
    }
  }
  return rfc2253Name(subjectOf(fields));
}

/** The values of the part that is signed: version, serial number, and so on. */
function tbsCertificate(certificate: Buffer): Field[] {
  const tbs = new DerReader(certificate).into(DerTag.sequence).into(DerTag.sequence);
  const fields: Field[] = [];
  while (!tbs.isAtEnd) fields.push(tbs.any());
  return fields;
}

type Field = ReturnType<DerReader['any']>;

/** Behind the version, which may be left out: serial number, algorithm, issuer, validity, subject. */
function subjectOf(fields: readonly Field[]): Buffer {
  const subject = fields[fields[0]?.tag === DerTag.context0 ? 5 : 4];
  if (subject === undefined) throw new DerError('a certificate without a subject');
  return subject.whole;
}

interface AlternativeName {
  readonly kind: number;
  /** null: of a kind without one. */
  readonly text: string | null;
}

function alternativeNames(fields: readonly Field[]): AlternativeName[] {
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  if (extensions === undefined) return [];
  const list = new DerReader(extensions.contents).into(DerTag.sequence);
  while (!list.isAtEnd) {
    const extension = list.into(DerTag.sequence);
    if (extension.oid() !== SUBJECT_ALTERNATIVE_NAME) continue;
    if (extension.nextTag === BOOLEAN) extension.any();
    const names = new DerReader(extension.take(DerTag.octets)).into(DerTag.sequence);
    const found: AlternativeName[] = [];
    while (!names.isAtEnd) {
      const { tag, contents } = names.any();
      const kind = (tag & CLASS_BITS) === CONTEXT_CLASS ? tag & NUMBER_BITS : -1;
      found.push({ kind, text: textOf(kind, contents) });
    }
    return found;
  }
  return [];
}

/** As Java's `getSubjectAlternativeNames` writes it. */
function textOf(kind: number, contents: Buffer): string | null {
  switch (kind) {
    case NameKind.email:
    case NameKind.dns:
    case NameKind.uri:
      return contents.toString('latin1');
    case NameKind.directory:
      return rfc2253Name(contents);
    case NameKind.address:
      return addressText(contents);
    case NameKind.registered:
      return dotted(contents);
    default:
      return null;
  }
}

function addressText(bytes: Buffer): string | null {
  if (bytes.length === IPV4_BYTES) return [...bytes].join('.');
  if (bytes.length !== IPV6_BYTES) return null;
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
}
