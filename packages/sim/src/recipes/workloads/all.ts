import type { RecipePlan } from '../recipe-plan.ts';
import type { Stage, Workload } from '../workload.ts';
import { Caching } from './caching.ts';
import { Configuring } from './configuring.ts';
import { Counting } from './counting.ts';
import { Delaying } from './delaying.ts';
import { Finding } from './finding.ts';
import { Gating } from './gating.ts';
import { Leading } from './leading.ts';
import { Leasing } from './leasing.ts';
import { Locking } from './locking.ts';
import { Meeting } from './meeting.ts';
import { Nesting } from './nesting.ts';
import { Queueing } from './queueing.ts';
import { Replacing } from './replacing.ts';
import { Serving } from './serving.ts';
import { Setting } from './setting.ts';
import { Sharing } from './sharing.ts';
import { Streaming } from './streaming.ts';
import { Tallying } from './tallying.ts';

const MAKERS: Readonly<Record<string, (stage: Stage, plan: RecipePlan) => Workload>> = {
  counting: (stage) => new Counting(stage),
  locking: (stage, { holdMs }) => new Locking(stage, holdMs),
  sharing: (stage, { holdMs }) => new Sharing(stage, holdMs),
  leasing: (stage, { holdMs }) => new Leasing(stage, holdMs),
  leading: (stage, { holdMs }) => new Leading(stage, holdMs),
  tallying: (stage) => new Tallying(stage),
  queueing: (stage) => new Queueing(stage),
  nesting: (stage, { holdMs }) => new Nesting(stage, holdMs),
  caching: (stage) => new Caching(stage),
  gating: (stage) => new Gating(stage),
  streaming: (stage) => new Streaming(stage),
  meeting: (stage, { clients, holdMs }) => new Meeting(stage, clients, holdMs),
  serving: (stage, { holdMs }) => new Serving(stage, holdMs),
  setting: (stage) => new Setting(stage),
  configuring: (stage) => new Configuring(stage),
  finding: (stage) => new Finding(stage),
  delaying: (stage) => new Delaying(stage),
  replacing: (stage) => new Replacing(stage),
};

export const WORKLOADS: readonly string[] = Object.keys(MAKERS);

/** The objects that the clients of a run share. */
export function makeWorkloads(plan: RecipePlan, stage: Stage): Workload[] {
  return plan.workloads.map((name) => {
    const make = MAKERS[name];
    if (make === undefined) throw new Error(`there is no workload ${name}; there are ${WORKLOADS.join(', ')}`);
    return make(stage, plan);
  });
}
