import * as vitest from 'vitest';
import { launcherSuite } from '../../src/conformance/launcher/launcher-suite.js';
import { SingleNodeLauncher } from '../../src/launchers/single-node-launcher.js';

for (const failOnAny of [false, true]) {
  launcherSuite(vitest, `single node, failOnAny ${failOnAny}`, async () => ({
    launcher: new SingleNodeLauncher({ failOnAny }),
    copies: ({ nodesPerBlock, tasksPerNode }) => nodesPerBlock * tasksPerNode,
    failsOn: failOnAny ? 'any' : 'all',
    passesTermination: true,
  }));
}
