/** Files and connections that a service may have open; Kafka's guide asks for 100000 or more. */
export const MAX_OPEN_FILES = 131_072;

/** What differs between the systemd units of the lab's services. */
export interface UnitArgs {
  /** Unit name without `.service`. */
  service: string;
  description: string;
  documentation: string;
  user: string;
  /** The directory that the service may write to, below `/data`. */
  dataDirectory: string;
  /** Further lines of the `[Service]` section. */
  settings: string[];
  command: string;
  stopTimeoutSeconds: number;
}

/**
 * A sandboxed unit. The service writes to its own data directory and to nothing else. It notes
 * what content it was started with, so that a later run restarts it only if that has changed.
 *
 * What is left open, and why: with `MemoryDenyWriteExecute` no JVM starts; with `ProcSubset=pid` JMX
 * tells no CPU load; without `AF_UNIX` systemd-resolved is not asked for names; with `UMask=0077` the
 * login user reads no segment. Who may connect is up to the security groups.
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
