// A local-cloud with a deployed worker, in a process of its own as a cloud is: `cloud-main.ts environments` sends the
// variables that lead to it, and ends with its parent.
import { deployLambda } from 'sluice/aws';
import { startLocalCloud } from 'sluice/local-cloud';

const maxEnvironments = Number(process.argv[2]);
const cloud = await startLocalCloud({ maxEnvironments, idleMs: 30 * 60_000 });
cloud.applyEnv();
await deployLambda({ role: 'arn:aws:iam::000000000000:role/bench', memoryMiB: 512, timeoutSeconds: 60 });
process.once('disconnect', () => void cloud.close().then(() => process.exit()));
process.send?.(cloud.env);
