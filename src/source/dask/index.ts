/** `taskglass/dask`: watching a Dask scheduler, and calling its handlers. */
export { type DaskAddress, parseAddress } from './address.ts';
export { Comm, type ConnectOptions, connect } from './comm.ts';
export { DaskSource, type DaskSourceOptions } from './dask-source.ts';
export { deserialize } from './deserialize.ts';
export { type DaskValue, Pickled, PyEnum, Serialized } from './message.ts';
export { type CallOptions, Rpc } from './rpc.ts';
export type { SchedulerAddress } from './scheduler-file.ts';
export type { TlsOptions } from './tls.ts';
