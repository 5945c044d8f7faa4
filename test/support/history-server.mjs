import { importTypescript } from '../../scripts/lib/typescript.mjs';

const { main } = await importTypescript('test/support/history-server.ts');
await main(Number(process.argv[2]));
