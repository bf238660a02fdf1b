import type { ConfigValues } from './config-values.ts';
import type { LimitsValues } from './limits-values.ts';
import { flag, integer, type Setting, WRONG } from './setting.ts';

/** A number from 0 to 1. */
function share(row: {
  readonly key: string;
  readonly aliases: readonly string[];
  readonly default: number;
  readonly doc: string;
}): Setting<number, ConfigValues> {
  return {
    ...row,
    unit: '',
    expected: 'a number from 0 to 1 such as 0.02',
    read: (text) => {
      const value = /^(\d(\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Number(text) : Number.NaN;
      return value >= 0 && value <= 1 ? value : WRONG;
    },
  };
}

function named<Value>(
  setting: Setting<Value, ConfigValues>,
  ...aliases: readonly string[]
): Setting<Value, ConfigValues> {
  return { ...setting, aliases };
}

/**
 * The rows of limits and throttles (feature inventory, A.5): under the names that Apache documents, and, as aliases, under
 * those that its server reads. docs/guides/limits.md tells what each of them does.
 */
export const LIMITS_SETTINGS: { readonly [Name in keyof LimitsValues]: Setting<LimitsValues[Name], ConfigValues> } = {
  globalOutstandingLimit: integer({
    key: 'globalOutstandingLimit',
    unit: 'requests',
    default: 16_000,
    from: 1,
    doc:
      'Requests on their way, in the whole ensemble, above which connections that wait for answers stop being read: each ' +
      'server of three or more takes this divided by the number of the others. On Apache 1000; here one sync of the disk ' +
      'serves all that wait, so that more of them are worth having.',
  }),
  largeRequestThreshold: {
    ...integer<ConfigValues>({
      key: 'largeRequestThreshold',
      unit: 'bytes',
      default: -1,
      from: -1,
      doc: 'Requests longer than this count as large; -1: none does.',
    }),
    expected: 'a whole number of bytes from 1 to 2147483647, or -1 for no limit',
    read: (text) => (/^(-1|[1-9]\d{0,9})$/.test(text) && Number(text) <= 0x7fffffff ? Number(text) : WRONG),
  },
  largeRequestMaxBytes: integer({
    key: 'largeRequestMaxBytes',
    unit: 'bytes',
    default: 104_857_600,
    from: 1,
    doc: 'Bytes of the large requests on their way; one more closes its connection.',
  }),
  requestThrottleLimit: integer({
    key: 'requestThrottleLimit',
    aliases: ['request_throttle_max_requests'],
    unit: 'requests',
    default: 0,
    from: 0,
    doc: 'Requests on their way on this server above which every other one waits, a first one too; 0: no limit.',
  }),
  requestThrottleDropStale: named(
    flag(
      'requestThrottleDropStale',
      true,
      'Whether a request that went stale while it waited for requestThrottleLimit is dropped, and its connection closed.',
    ),
    'request_throttle_drop_stale',
  ),
  requestStaleLatencyCheck: named(
    flag('requestStaleLatencyCheck', false, 'Whether a request older than its session timeout is stale.'),
    'request_stale_latency_check',
  ),
  requestStaleConnectionCheck: named(
    flag(
      'requestStaleConnectionCheck',
      true,
      'Whether a request whose connection is gone counts as stale. It is dropped in any case.',
    ),
    'request_stale_connection_check',
  ),
  throttledOpWaitTimeMs: integer({
    key: 'throttledOpWaitTime',
    aliases: ['throttled_op_wait_time'],
    unit: 'milliseconds',
    default: 0,
    from: 0,
    doc: 'A request that has waited longer than this before it is looked at is answered THROTTLEDOP; 0: none is.',
  }),
  connectionMaxTokens: integer({
    key: 'connectionMaxTokens',
    aliases: ['connection_throttle_tokens'],
    unit: 'tokens',
    default: 0,
    from: 0,
    doc: 'Handshakes that may come in a burst: each takes a token. 0: they are not throttled.',
  }),
  connectionTokenFillTimeMs: integer({
    key: 'connectionTokenFillTime',
    aliases: ['connection_throttle_fill_time'],
    unit: 'milliseconds',
    default: 1,
    from: 1,
    doc: 'How often tokens come back.',
  }),
  connectionTokenFillCount: integer({
    key: 'connectionTokenFillCount',
    aliases: ['connection_throttle_fill_count'],
    unit: 'tokens',
    default: 1,
    from: 1,
    doc: 'How many tokens come back each time.',
  }),
  connectionFreezeTimeMs: integer({
    key: 'connectionFreezeTime',
    aliases: ['connection_throttle_freeze_time'],
    unit: 'milliseconds',
    default: -1,
    from: -1,
    doc: 'How often the probability changes with which handshakes are refused; -1: none is refused by chance.',
  }),
  connectionDropIncrease: share({
    key: 'connectionDropIncrease',
    aliases: ['connection_throttle_drop_increase'],
    default: 0.02,
    doc: 'Added to that probability when there is no token left.',
  }),
  connectionDropDecrease: share({
    key: 'connectionDropDecrease',
    aliases: ['connection_throttle_drop_decrease'],
    default: 0.002,
    doc: 'Taken from it when no more tokens are missing than connectionDecreaseRatio says.',
  }),
  connectionDecreaseRatio: share({
    key: 'connectionDecreaseRatio',
    aliases: ['connection_throttle_decrease_ratio'],
    default: 0,
    doc: 'The part of the tokens that may be missing for that.',
  }),
  connectionWeightEnabled: named(
    flag(
      'connection_throttle_weight_enabled',
      false,
      'Whether kinds of sessions cost different numbers of tokens. The numbers of tokens are then multiplied by the weight ' +
        'of a global session.',
    ),
  ),
  connectionGlobalSessionWeight: weight('global', 3, 'a new session'),
  connectionLocalSessionWeight: weight('local', 1, 'a new local session'),
  connectionRenewSessionWeight: weight('renew', 2, 'a session that comes back'),
};

function weight(kind: string, fallback: number, what: string): Setting<number, ConfigValues> {
  return integer({
    key: `connection_throttle_${kind}_session_weight`,
    unit: 'tokens',
    default: fallback,
    from: 1,
    doc:
      `Tokens that ${what} costs where connection_throttle_weight_enabled is true` +
      (kind === 'local' ? '.' : '; at least those of a local one.'),
  });
}
