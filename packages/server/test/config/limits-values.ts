import type { LimitsValues } from '../../src/config/limits-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

const NOT_A_SHARE: readonly string[] = ['', 'x', '-0.1', '1.1', '2', '10', '0,5'];

/** For every setting of limits and throttles: a text that differs from the default, and what it must become. */
export const GOOD_LIMITS_VALUES: { readonly [Name in keyof LimitsValues]: [string, LimitsValues[Name]] } = {
  globalOutstandingLimit: ['1', 1],
  largeRequestThreshold: ['10000', 10_000],
  largeRequestMaxBytes: ['1', 1],
  requestThrottleLimit: ['500', 500],
  requestThrottleDropStale: ['false', false],
  requestStaleLatencyCheck: ['true', true],
  requestStaleConnectionCheck: ['false', false],
  throttledOpWaitTimeMs: ['250', 250],
  connectionMaxTokens: ['200', 200],
  connectionTokenFillTimeMs: ['10', 10],
  connectionTokenFillCount: ['5', 5],
  connectionFreezeTimeMs: ['100', 100],
  connectionDropIncrease: ['0.5', 0.5],
  connectionDropDecrease: ['.25', 0.25],
  connectionDecreaseRatio: ['1', 1],
  connectionWeightEnabled: ['true', true],
  connectionGlobalSessionWeight: ['7', 7],
  connectionLocalSessionWeight: ['2', 2],
  connectionRenewSessionWeight: ['5', 5],
};

/** For every setting of limits and throttles: texts that must be refused. */
export const BAD_LIMITS_VALUES: { readonly [Name in keyof LimitsValues]: readonly string[] } = {
  globalOutstandingLimit: [...NOT_A_NUMBER, '0'],
  largeRequestThreshold: [...NOT_A_NUMBER, '0', '-2', '2147483648'],
  largeRequestMaxBytes: [...NOT_A_NUMBER, '0'],
  requestThrottleLimit: [...NOT_A_NUMBER, '-1'],
  requestThrottleDropStale: NOT_A_SWITCH,
  requestStaleLatencyCheck: NOT_A_SWITCH,
  requestStaleConnectionCheck: NOT_A_SWITCH,
  throttledOpWaitTimeMs: [...NOT_A_NUMBER, '-1'],
  connectionMaxTokens: [...NOT_A_NUMBER, '-1'],
  connectionTokenFillTimeMs: [...NOT_A_NUMBER, '0'],
  connectionTokenFillCount: [...NOT_A_NUMBER, '0'],
  connectionFreezeTimeMs: [...NOT_A_NUMBER, '-2'],
  connectionDropIncrease: NOT_A_SHARE,
  connectionDropDecrease: NOT_A_SHARE,
  connectionDecreaseRatio: NOT_A_SHARE,
  connectionWeightEnabled: NOT_A_SWITCH,
  connectionGlobalSessionWeight: [...NOT_A_NUMBER, '0'],
  connectionLocalSessionWeight: [...NOT_A_NUMBER, '0'],
  connectionRenewSessionWeight: [...NOT_A_NUMBER, '0'],
};
