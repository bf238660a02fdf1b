export { type FaultOdds, FaultyTarget, type TargetFault, type TargetOperation } from './backup/faulty-target.ts';
export { MemoryTarget } from './backup/memory-target.ts';
export { type S3Fault, type S3Request, S3Stub } from './backup/s3-stub.ts';
export { type Spoiling, spoilObject } from './backup/spoil-object.ts';
export { type TargetCheck, targetChecks } from './backup/target-suite.ts';
export { CoreHarness, type LoggedTxn, type StepEvent } from './core/core-harness.ts';
export { CORE_SETTINGS } from './core/core-settings.ts';
export {
  frameOf,
  type Handshake,
  type HandshakeOptions,
  RawClient,
  type Received,
  type Reply,
  rawRequest,
  type WatchEvent,
} from './core/raw-client.ts';
export { type CrashPlan, type CrashPoint, exploreCrashes } from './disk/crash-explorer.ts';
export { type DiskUnderTest, runDiskSuite } from './disk/disk-suite.ts';
export { SeededRandom } from './disk/seeded-random.ts';
export {
  type DiskImage,
  type DiskOperation,
  SimDisk,
  SimulatedCrash,
  SimulatedDiskError,
  type WriteFault,
} from './disk/sim-disk.ts';
export type { Entry } from './disk/sim-folder.ts';
export { type CrashKind, type RotKind, SECTOR_BYTES, SimInode } from './disk/sim-inode.ts';
export { freePort, isFree } from './net/free-port.ts';
export { MemoryNetwork } from './peer/memory-network.ts';
export { VirtualTime } from './peer/virtual-time.ts';
export { deriveSeed, RandomStream } from './random/random-stream.ts';
export { type Answer, type ClientDoor, MemoryClient } from './server/memory-client.ts';
export { aclText, ModelState, TreeModel, type TreeWrite, type WriteOutcome } from './server/tree-model.ts';
