// One group of figures in a process of its own: `group.ts name runs`; each row is sent to the parent.
import { loadGroup } from './groups.js';

const [name = '', runs = '1'] = process.argv.slice(2);
const measure = await loadGroup(name);
await measure(Number(runs), (row) => process.send?.(row));
process.disconnect();
