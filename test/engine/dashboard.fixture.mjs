// A program with a cluster, as its users write one: says what it has, then runs a task that never ends.
import { LocalCluster } from 'taskglass/engine';

const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, ...JSON.parse(process.argv[2] ?? '{}') });
const client = cluster.client();
client.submit(function hang() {
  return new Promise(() => setInterval(() => {}, 1000));
});
console.log(JSON.stringify({ link: cluster.dashboardLink, info: client.schedulerInfo() }));
