import type { ExaminedRecord } from '@headkeeper/server/internal';
import { hex, time } from '../inspect/format.ts';

type Fault = ExaminedRecord['diagnosis']['fault'];

const FAULTS: Readonly<Record<Fault, string>> = {
  whole: 'It is whole.',
  header: "The file's header is damaged; the first record behind it is whole.",
  length: 'The length is damaged: with another one, checksum and end mark are right.',
  'end-mark': 'The end mark is damaged: length and checksum are right.',
  'checksum-padding': 'The upper half of the checksum is damaged: the rest is right.',
  'body-or-checksum': 'The length and the end mark are right; the body or the checksum is damaged.',
  unwritten: 'There is nothing but zeros from here to the end of the file.',
  unknown: 'More than one thing is damaged: no length makes it a record.',
};

/** A record for people: its bytes, its fields, and what is wrong. */
export function recordText(record: ExaminedRecord): string {
  const { diagnosis, name, before, after } = record;
  const { offset, head, checksum, computed, length, endMark, txn } = diagnosis;
  const lines = [`${name} at byte ${offset}`];
  for (let at = 0; at < head.length; at += 16) lines.push(hexLine(offset + at, head.subarray(at, at + 16)));
  if (checksum !== null)
    lines.push(
      `checksum   ${wide(checksum)}${computed === null || diagnosis.rightLength !== null ? '' : `, computed ${wide(computed)}`}`,
    );
  if (length !== null) lines.push(`length     ${length}${rightLength(record)}`);
  if (endMark !== null)
    lines.push(`end mark   0x${endMark.toString(16).padStart(2, '0')}${endMark === 0x42 ? '' : ' instead of 0x42'}`);
  if (txn !== null) {
    const { header, op } = txn;
    lines.push(
      `txn        zxid ${hex(header.zxid)}, ${op}, session ${hex(header.clientId)}, cxid ${header.cxid}, ${time(header.time)}`,
    );
  } else if (length !== null) lines.push('txn        the body cannot be decoded');
  lines.push(`before it  ${before === null ? 'no whole record' : `txn ${hex(before)}`}`);
  lines.push(`behind it  ${after === null ? 'no whole record in this file' : `txn ${hex(after)}`}`);
  lines.push(FAULTS[diagnosis.fault]);
  return `${lines.join('\n')}\n`;
}

/** The same for JSON. */
export function recordFacts({ name, diagnosis, before, after }: ExaminedRecord): object {
  const { offset, fault, checksum, computed, length, endMark, txn, head } = diagnosis;
  return {
    log: name,
    offset,
    fault,
    checksum: checksum === null ? null : hex(checksum),
    computed: computed === null || diagnosis.rightLength !== null ? null : hex(computed),
    length,
    rightLength: diagnosis.rightLength,
    endMark,
    zxid: txn === null ? null : hex(txn.header.zxid),
    op: txn?.op ?? null,
    before: before === null ? null : hex(before),
    after: after === null ? null : hex(after),
    head: Buffer.from(head).toString('hex'),
  };
}

function rightLength({ diagnosis }: ExaminedRecord): string {
  return diagnosis.rightLength === null ? '' : ` instead of ${diagnosis.rightLength}`;
}

function wide(value: number | bigint): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function hexLine(offset: number, bytes: Uint8Array): string {
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = [...bytes].map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
  return `${String(offset).padStart(10)}  ${digits.padEnd(47)}  ${text}`;
}
