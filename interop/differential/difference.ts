import { type DecodedEvent, type DecodedReply, errorName, type Value } from './decode.ts';
import { show } from './requests.ts';

/** What one side sent in answer to a step: events, replies, handshakes, and how it ended. */
export interface Answer {
  readonly frames: readonly Value[];
  readonly outcome: string;
}

export interface Difference {
  readonly seed: number;
  readonly step: number;
  readonly request: string;
  /** The kind of difference, without the values that vary from case to case. */
  readonly signature: string;
  readonly fields: readonly string[];
  readonly left: Answer;
  readonly right: Answer;
  /** The steps before it, latest last. */
  readonly before: readonly string[];
  /** Id of the declared reason, if there is one. */
  explained: string | null;
}

function isObject(value: Value | undefined): value is { readonly [field: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The places where two values differ, as `path: left / right` with what varies left out of the path. */
export function compareValues(left: Value | undefined, right: Value | undefined, at: string, found: string[]): void {
  if (left === right) return;
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length) found.push(`${at}.length`);
    const count = Math.min(left.length, right.length);
    for (let i = 0; i < count; i++) compareValues(left[i], right[i], `${at}[]`, found);
    return;
  }
  if (isObject(left) && isObject(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      compareValues(left[key], right[key], at === '' ? key : `${at}.${key}`, found);
    }
    return;
  }
  found.push(`${at}: ${short(left, at)} / ${short(right, at)}`);
}

/** A value for a signature: error codes and small words in full, numbers and data not. */
function short(value: Value | undefined, at: string): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (at.endsWith('err') && typeof value === 'number') return errorName(value);
  if (at.endsWith('err') || at.endsWith('type') || at === 'outcome') return String(value);
  return typeof value === 'object' ? (Array.isArray(value) ? 'list' : 'record') : typeof value;
}

/** Compares two answers field by field; empty when they agree. */
export function compareAnswers(left: Answer, right: Answer): string[] {
  const found: string[] = [];
  compareValues(left.outcome, right.outcome, 'outcome', found);
  const [onlyLeft, onlyRight] = surplusKinds(kindsOf(left), kindsOf(right));
  if (onlyLeft.length > 0 || onlyRight.length > 0) {
    found.push(`frames: ${onlyLeft.join(', ') || 'nothing'} / ${onlyRight.join(', ') || 'nothing'}`);
    return found;
  }
  for (let i = 0; i < left.frames.length; i++) {
    const kind = kindOf(left.frames[i]);
    compareValues(left.frames[i], right.frames[i], kind, found);
  }
  return [...new Set(found)];
}

function kindOf(frame: Value | undefined): string {
  return isObject(frame) && typeof frame.kind === 'string' ? frame.kind : 'frame';
}

function kindsOf(answer: Answer): string[] {
  return answer.frames.map((frame) => {
    if (!isObject(frame)) return 'frame';
    if (frame.kind === 'event') return `event ${String(frame.type)}`;
    if (frame.kind === 'reply') return frame.err === 0 ? 'reply' : `reply ${errorName(frame.err as number)}`;
    return kindOf(frame);
  });
}

/** What each list has that the other has not, repeats told once. */
function surplusKinds(left: readonly string[], right: readonly string[]): [string[], string[]] {
  const rest = [...right];
  const onlyLeft = left.filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [[...new Set(onlyLeft)], [...new Set(rest)]];
}

/** An answer to several requests cut into one answer per reply, each with the events before it. */
export function perReply(answer: Answer): Answer[] {
  const parts: Answer[] = [];
  let frames: Value[] = [];
  for (const frame of answer.frames) {
    frames.push(frame);
    if (!isObject(frame) || frame.kind === 'event') continue;
    parts.push({ frames, outcome: answer.outcome });
    frames = [];
  }
  if (frames.length > 0 || parts.length === 0) parts.push({ frames, outcome: answer.outcome });
  return parts;
}

/** A frame for people. */
export function render(frame: Value): string {
  if (isObject(frame) && frame.kind === 'event') {
    const event = frame as unknown as DecodedEvent;
    return `event type ${event.type} state ${event.state} path ${show(event.path)} zxid ${String(event.zxid)}`;
  }
  if (isObject(frame) && frame.kind === 'reply') {
    const reply = frame as unknown as DecodedReply;
    const body = reply.body === null ? '' : ` ${JSON.stringify(reply.body)}`;
    return `reply xid ${reply.xid} zxid ${String(reply.zxid)} ${errorName(reply.err)}${body}`;
  }
  return JSON.stringify(frame, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

export function renderDifference(difference: Difference): string {
  const side = (name: string, answer: Answer): string[] => [
    `  ${name}: ${answer.outcome}`,
    ...answer.frames.map((frame) => `    ${render(frame)}`),
  ];
  return [
    `difference at seed ${difference.seed} step ${difference.step}: ${difference.request}`,
    ...difference.fields.map((field) => `  ! ${field}`),
    ...side('left', difference.left),
    ...side('right', difference.right),
    '  steps before:',
    ...difference.before.map((line) => `    ${line}`),
  ].join('\n');
}
