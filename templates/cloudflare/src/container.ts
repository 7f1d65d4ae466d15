/** The entry point of a Worker with the container tier: all of src/index.ts, and containers beside its default sandbox. */
import worker from './index';
import { containerSandbox } from './sandbox/container';
import { offerContainer } from './sandbox/select';

export * from './index';
export { Sandbox } from './sandbox/container';

offerContainer(containerSandbox);

export default worker;
