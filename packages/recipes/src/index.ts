export { Barrier } from './barriers/barrier.ts';
export { BarrierMember, DoubleBarrier, type DoubleBarrierOptions } from './barriers/double-barrier.ts';
export { Cache, type CacheOptions } from './cache/cache.ts';
export type { CacheChange, CachedNode } from './cache/cached-node.ts';
export {
  ConfigError,
  type ConfigOf,
  type ConfigProblem,
  type ConfigSchema,
  type SchemaResult,
  type StandardSchema,
  type ValueSchema,
} from './config/config-schema.ts';
export {
  ConfigConflict,
  type ConfigSnapshot,
  ConfigStore,
  type ConfigStoreOptions,
  type UpdateOptions,
} from './config/config-store.ts';
export type { Revision } from './config/revision.ts';
export {
  AtomicCounter,
  type AtomicCounterOptions,
  type CounterChange,
  CounterError,
} from './counter/atomic-counter.ts';
export { type HealthCheck, Registration } from './discovery/registration.ts';
export { type NewInstance, ServiceDiscovery, type ServiceDiscoveryOptions } from './discovery/service-discovery.ts';
export { type ServiceInstance, type ServiceType, type UriSpec, uriOf, uriSpec } from './discovery/service-instance.ts';
export {
  type PickStrategy,
  type ServiceChange,
  ServiceProvider,
  type ServiceProviderOptions,
} from './discovery/service-provider.ts';
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
export {
  type GroupMember,
  GroupMembership,
  type GroupMembershipOptions,
} from './membership/group-membership.ts';
export { PersistentNode, type PersistentNodeOptions } from './membership/persistent-node.ts';
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
