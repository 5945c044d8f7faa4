// The same for Node: SIGUSR2 reads from a file how far the system's clock was stepped, in seconds.
import { readFileSync } from 'node:fs';

const real = Date.now;
let offset = 0;
Date.now = () => real() + offset;
process.on('SIGUSR2', () => {
  offset = 1000 * Number(readFileSync(process.env.STEPPED_CLOCK ?? '', 'utf8'));
});
