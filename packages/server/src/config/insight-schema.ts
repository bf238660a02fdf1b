import type { ConfigValues } from './config-values.ts';
import type { InsightValues } from './insight-values.ts';
import { flag, integer, type Setting, WRONG } from './setting.ts';

const MINUTE_MS = 60_000;

/** The rows of the settings of slow requests and of paths that are asked for often. */
export const INSIGHT_SETTINGS: { readonly [Name in keyof InsightValues]: Setting<InsightValues[Name], ConfigValues> } =
  {
    slowRequestMs: integer({
      key: 'slowRequest.thresholdMs',
      unit: 'milliseconds',
      default: 0,
      from: 0,
      doc: 'Ours. A write that takes this long from its arrival to its answer is told of in the log, with its path and its client. 0: none is.',
    }),
    pathStatsEnabled: flag(
      'pathStats.enabled',
      false,
      'Whether a sample of the requests is counted by path, for the command hot_keys and the log.',
    ),
    pathStatsSlots: integer({
      key: 'pathStats.slotCapacity',
      unit: 'slots',
      default: 60,
      from: 1,
      to: 1000,
      doc: 'Counts go back so many slots of time.',
    }),
    pathStatsSlotMs: integer({
      key: 'pathStats.slotDuration',
      unit: 'seconds',
      default: 15_000,
      from: 1,
      to: 86_400,
      scale: 1000,
      doc: 'The length of a slot.',
    }),
    pathStatsMaxDepth: integer({
      key: 'pathStats.maxDepth',
      unit: 'elements',
      default: 6,
      from: 1,
      to: 100,
      doc: 'Requests are counted by so many elements of their paths, from the root.',
    }),
    pathStatsSampleRate: {
      key: 'pathStats.sampleRate',
      unit: '',
      default: 0.1,
      expected: 'a number above 0 and at most 1, such as 0.1',
      read: (value) => {
        const rate = /^(\d?(\.\d{1,6})?|1)$/.test(value) ? Number(value) : Number.NaN;
        return rate > 0 && rate <= 1 ? rate : WRONG;
      },
      doc: 'The part of the requests that is looked at.',
    },
    pathStatsInitialDelayMs: integer({
      key: 'pathStats.initialDelay',
      unit: 'minutes',
      default: 5 * MINUTE_MS,
      from: 0,
      to: 10_000,
      scale: MINUTE_MS,
      doc: 'The paths that are asked for most are logged for the first time after this long.',
    }),
    pathStatsDelayMs: integer({
      key: 'pathStats.delay',
      unit: 'minutes',
      default: 5 * MINUTE_MS,
      from: 1,
      to: 10_000,
      scale: MINUTE_MS,
      doc: 'And then at this interval.',
    }),
    pathStatsTop: integer({
      key: 'pathStats.topPathMax',
      unit: 'paths',
      default: 20,
      from: 1,
      to: 1000,
      doc: 'How many are logged, and answered by the command.',
    }),
    messageTracker: flag(
      'messageTracker.Enabled',
      false,
      'Whether the last packets between this server and another are told of in the log when their connection ends.',
    ),
    messageTrackerSize: integer({
      key: 'messageTracker.BufferSize',
      unit: 'packets',
      default: 10,
      from: 1,
      to: 1000,
      doc: 'How many of each direction.',
    }),
  };
