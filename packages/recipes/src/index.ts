export { Barrier } from './barriers/barrier.ts';
export { BarrierMember, DoubleBarrier, type DoubleBarrierOptions } from './barriers/double-barrier.ts';
export {
  AtomicCounter,
  type AtomicCounterOptions,
  type CounterChange,
  CounterError,
} from './counter/atomic-counter.ts';
export { LeaderLatch, type LeaderLatchOptions, type Leadership } from './elections/leader-latch.ts';
export { LeaderSelector, type LeaderSelectorOptions } from './elections/leader-selector.ts';
export { HoldLostError, type LossReason } from './errors.ts';
export type { Held, Hold, Lock } from './held.ts';
export { IdBlocks, type IdBlocksOptions, SequentialIds } from './ids/id-generator.ts';
export type { Layout } from './line/contenders.ts';
export type { ContenderOptions } from './line/line.ts';
export type { Participant } from './line/participants.ts';
export { type MultiHold, MultiLock } from './locks/multi-lock.ts';
export { Mutex } from './locks/mutex.ts';
export { ReadWriteLock, type SideLock } from './locks/read-write-lock.ts';
export { type ReentrantHold, ReentrantMutex } from './locks/reentrant-mutex.ts';
export { LeasesDisagreeError, Semaphore } from './locks/semaphore.ts';
export type { Delivery } from './queue/delivery.ts';
export {
  DelayQueue,
  type DelayQueueOptions,
  DistributedQueue,
  type DistributedQueueOptions,
  IdQueue,
  type ItemsDelivery,
  PriorityQueue,
} from './queue/distributed-queue.ts';
export { ItemError } from './queue/item-naming.ts';
export { type SimplePutOptions, SimpleQueue, type SimpleQueueOptions } from './queue/simple-queue.ts';
export { SharedCount, type SharedCountOptions, type VersionedCount } from './value/shared-count.ts';
export { SharedValue, type SharedValueOptions, type VersionedValue } from './value/shared-value.ts';
export type { WaitOptions } from './wait.ts';
