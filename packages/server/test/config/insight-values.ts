import type { InsightValues } from '../../src/config/insight-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

/** For every setting of looking closely: a text that differs from the default, and what it must become. */
export const GOOD_INSIGHT_VALUES: { readonly [Name in keyof InsightValues]: [string, InsightValues[Name]] } = {
  slowRequestMs: ['500', 500],
  pathStatsEnabled: ['true', true],
  pathStatsSlots: ['10', 10],
  pathStatsSlotMs: ['30', 30_000],
  pathStatsMaxDepth: ['2', 2],
  pathStatsSampleRate: ['1', 1],
  pathStatsInitialDelayMs: ['1', 60_000],
  pathStatsDelayMs: ['10', 600_000],
  pathStatsTop: ['5', 5],
  messageTracker: ['true', true],
  messageTrackerSize: ['3', 3],
};

/** For every one of them: texts that must be refused. */
export const BAD_INSIGHT_VALUES: { readonly [Name in keyof InsightValues]: readonly string[] } = {
  slowRequestMs: [...NOT_A_NUMBER, '-1'],
  pathStatsEnabled: NOT_A_SWITCH,
  pathStatsSlots: [...NOT_A_NUMBER, '0'],
  pathStatsSlotMs: [...NOT_A_NUMBER, '0'],
  pathStatsMaxDepth: [...NOT_A_NUMBER, '0'],
  pathStatsSampleRate: ['', '0', '-0.1', '1.5', 'x', '10%'],
  pathStatsInitialDelayMs: [...NOT_A_NUMBER, '-1'],
  pathStatsDelayMs: [...NOT_A_NUMBER, '0'],
  pathStatsTop: [...NOT_A_NUMBER, '0'],
  messageTracker: NOT_A_SWITCH,
  messageTrackerSize: [...NOT_A_NUMBER, '0'],
};
