// Writes the tables of README.md that come from the code: `node infra/readme-tables.mjs` after a build.
import { readFileSync, writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../dist/errors.js';

const rows = Object.entries(ERROR_CODES).map(
  ([code, { class: kind, meaning }]) => `| \`${code}\` | ${kind} | ${meaning} |`,
);
const table = ['| code | class | meaning |', '|---|---|---|', ...rows].join('\n');
const readme = readFileSync('README.md', 'utf8');
writeFileSync(
  'README.md',
  readme.replace(/<!-- codes -->[\s\S]*<!-- \/codes -->/, `<!-- codes -->\n${table}\n<!-- /codes -->`),
);
