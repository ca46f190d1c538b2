/** Limit of open files and connections of a service. Kafka's guide recommends at least 100000. */
export const MAX_OPEN_FILES = 131_072;

/** The option of a JVM that names its login configuration, after a space; "" without one. */
export function loginOption(jaasFile: string | undefined): string {
  return jaasFile === undefined ? "" : ` -Djava.security.auth.login.config=${jaasFile}`;
}

/** The differences between the systemd units of the lab's services. */
export interface UnitArgs {
  /** Unit name without `.service`. */
  service: string;
  description: string;
  documentation: string;
  user: string;
  /** The writable directory of the service, below `/data`. */
  dataDirectory: string;
  /** Additional lines of the `[Service]` section. */
  settings: string[];
  command: string;
  stopTimeoutSeconds: number;
}

/**
 * A sandboxed unit. The service can write only to its own data directory. The unit records the files that
 * the service was started with, so that the operator restarts it only if they have changed.
 *
 * The unit leaves these options out: with `MemoryDenyWriteExecute` no JVM starts. With `ProcSubset=pid`
 * JMX shows no CPU load. Without `AF_UNIX` the service cannot use systemd-resolved. With `UMask=0077` the
 * login user cannot read segments. The security groups decide who may connect.
 */
export function renderUnit(args: UnitArgs): string {
  return `[Unit]
Description=${args.description}
Documentation=${args.documentation}
# After a boot, names of other nodes must resolve: Java remembers a failure.
Wants=network-online.target
After=network-online.target nss-lookup.target
RequiresMountsFor=/data
StartLimitIntervalSec=0

[Service]
Type=exec
User=${args.user}
Group=${args.user}
UMask=0027
RuntimeDirectory=${args.service}
LogsDirectory=${args.service}
${args.settings.join("\n")}
ExecStartPre=/bin/cp /etc/kafkalab/${args.service}.content /run/${args.service}/content
ExecStart=${args.command}
SuccessExitStatus=143
Restart=on-failure
RestartSec=2
TimeoutStopSec=${args.stopTimeoutSeconds}
LimitNOFILE=${MAX_OPEN_FILES}
LimitCORE=0
ReadWritePaths=${args.dataDirectory}
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
`;
}
