/* The floor: what the kernel alone takes for the container that `runc spec` (1.1.5, terminal off)
 * describes, on a host with cgroup v1: no JSON, no state, no checks, as few calls as can be.
 * mini-runc is measured against it; its clone, mount, cgroup and capability calls are held to
 * these.
 *
 *   floor ROOTFS ID COMMAND [ARG...]       as root; exits as COMMAND does
 *
 * Parent: a group per v1 hierarchy of /proc/self/cgroup (an empty cpuset gets its parent's cpus and
 * mems, nobody may enter it else); device rules; clone3 straight into the pid, net, ipc, uts and
 * mount namespaces, with a pidfd. Child: joins each group by writing 0 to `tasks` (no global lock
 * is taken for that, as for another's pid in cgroup.procs); setsid, hostname, `lo` up; / slave,
 * rootfs bound on itself, the spec's seven mounts in order, a bind per group, then one recursive
 * mount_setattr makes all of /sys/fs/cgroup read-only; six nodes, five links; pivot_root(".", ".");
 * read-only paths, masked paths, the root read-only last; no_new_privs, RLIMIT_NOFILE, groups,
 * bounding set, capset, ambient set cleared (raising the spec's would be refused: it is not
 * inheritable); execve along PATH. Parent: waits, removes the groups. Nothing is closed by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMaxGroups = 32, kNoSuidDevExec = MS_NOSUID | MS_NODEV | MS_NOEXEC }; /* MOUNT_ATTR_ too */
static const unsigned kKeep = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
static char* environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                              "TERM=xterm", "HOME=/root", NULL};
static char hierarchies[kMaxGroups][64]; /* directories: "memory", "cpu,cpuacct", "systemd" */
static char groups[kMaxGroups][256];     /* /sys/fs/cgroup/HIERARCHY/ID */
static int group_count;

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MUST(call) must((call), #call, __LINE__)
static long must(long result, const char* call, int line) {
  if (result >= 0) return result;
  fprintf(stderr, "floor: line %d: %s: %s\n", line, call, strerror(errno));
  _exit(1);
}

static int open_in(const char* directory, const char* file, int flags) {
  char path[512];
  MUST(snprintf(path, sizeof path, "%s/%s", directory, file));
  return (int)MUST(open(path, flags | O_CLOEXEC));
}
static void put(const char* directory, const char* file, const char* text) {
  MUST(write(open_in(directory, file, O_WRONLY), text, strlen(text)));
}
static char* get(const char* directory, const char* file) {
  static char text[4096];
  text[MUST(read(open_in(directory, file, O_RDONLY), text, sizeof text - 1))] = '\0';
  return text;
}

static void find_hierarchies(const char* id) { /* "4:memory:/", "9:name=systemd:/"; "0::/" is v2 */
  char* next = get("/proc/self", "cgroup");
  for (char* line; (line = strsep(&next, "\n")) && *line && group_count < kMaxGroups;) {
    strsep(&line, ":");
    const char* name = strsep(&line, ":");
    if (*name == '\0') continue;
    if (strncmp(name, "name=", 5) == 0) name += 5;
    snprintf(hierarchies[group_count], sizeof hierarchies[0], "%s", name);
    snprintf(groups[group_count++], sizeof groups[0], "/sys/fs/cgroup/%s/%s", name, id);
  }
}

static void make_groups(void) {
  static const char kAllowed[][16] = {"c *:* m",   "b *:* m",      "c 1:3 rwm",  "c 1:5 rwm",
                                      "c 1:7 rwm", "c 1:8 rwm",    "c 1:9 rwm",  "c 5:0 rwm",
                                      "c 5:2 rwm", "c 10:200 rwm", "c 136:* rwm"};
  for (int i = 0; i < group_count; i++) {
    MUST(mkdir(groups[i], 0755));
    if (strcmp(hierarchies[i], "cpuset") == 0 && *get(groups[i], "cpuset.mems") == '\n') {
      put(groups[i], "cpuset.cpus", get("/sys/fs/cgroup/cpuset", "cpuset.cpus"));
      put(groups[i], "cpuset.mems", get("/sys/fs/cgroup/cpuset", "cpuset.mems"));
    }
    if (strcmp(hierarchies[i], "devices") == 0) {
      put(groups[i], "devices.deny", "a");
      const int allow = open_in(groups[i], "devices.allow", O_WRONLY);
      for (size_t k = 0; k < COUNT(kAllowed); k++)
        MUST(write(allow, kAllowed[k], strlen(kAllowed[k])));
    }
  }
}

static void set_attributes(const char* path, unsigned flags, __u64 attributes) {
  struct mount_attr attr = {.attr_set = attributes};
  MUST(syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof attr));
}

static void make_root(const char* rootfs) {
  MUST(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
  MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
  MUST(chdir(rootfs));
  MUST(mount("proc", "proc", "proc", 0, NULL));
  MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
  MUST(mkdir("dev/pts", 0755));
  MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
             "newinstance,ptmxmode=0666,mode=0620,gid=5"));
  MUST(mkdir("dev/shm", 0755));
  MUST(mount("shm", "dev/shm", "tmpfs", kNoSuidDevExec, "mode=1777,size=65536k"));
  MUST(mkdir("dev/mqueue", 0755));
  MUST(mount("mqueue", "dev/mqueue", "mqueue", kNoSuidDevExec, NULL));
  MUST(mount("sysfs", "sys", "sysfs", kNoSuidDevExec | MS_RDONLY, NULL));
  MUST(mount("cgroup", "sys/fs/cgroup", "tmpfs", kNoSuidDevExec | MS_RELATIME, "mode=755"));
  for (int i = 0; i < group_count; i++) {
    char path[128];
    snprintf(path, sizeof path, "sys/fs/cgroup/%s", hierarchies[i]);
    MUST(mkdir(path, 0755));
    MUST(mount(groups[i], path, NULL, MS_BIND, NULL));
  }
  set_attributes("sys/fs/cgroup", AT_RECURSIVE, kNoSuidDevExec | MOUNT_ATTR_RDONLY);
  MUST(mknod("dev/null", S_IFCHR | 0666, 0x103)); /* major << 8 | minor */
  MUST(mknod("dev/zero", S_IFCHR | 0666, 0x105));
  MUST(mknod("dev/full", S_IFCHR | 0666, 0x107));
  MUST(mknod("dev/tty", S_IFCHR | 0666, 0x500));
  MUST(mknod("dev/random", S_IFCHR | 0666, 0x108));
  MUST(mknod("dev/urandom", S_IFCHR | 0666, 0x109));
  MUST(symlink("/proc/self/fd", "dev/fd"));
  MUST(symlink("/proc/self/fd/0", "dev/stdin"));
  MUST(symlink("/proc/self/fd/1", "dev/stdout"));
  MUST(symlink("/proc/self/fd/2", "dev/stderr"));
  MUST(symlink("pts/ptmx", "dev/ptmx"));
  MUST(syscall(SYS_pivot_root, ".", "."));
  MUST(umount2(".", MNT_DETACH));
  MUST(chdir("/"));
}

static void hide_paths(void) {
  static const char* const kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};
  static const char* const kMasked[] = {
      "/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
      "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
      "/sys/firmware",       "/proc/scsi"};
  for (size_t i = 0; i < COUNT(kReadOnly); i++)
    if (mount(kReadOnly[i], kReadOnly[i], NULL, MS_BIND | MS_REC, NULL) == 0)
      set_attributes(kReadOnly[i], 0, MOUNT_ATTR_RDONLY);
  for (size_t i = 0; i < COUNT(kMasked); i++)
    if (mount("/dev/null", kMasked[i], NULL, MS_BIND, NULL) < 0 && errno == ENOTDIR)
      MUST(mount("tmpfs", kMasked[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1"));
  set_attributes("/", 0, MOUNT_ATTR_RDONLY);
}

static void drop_privileges(void) {
  const struct rlimit files = {1024, 1024};
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{.effective = kKeep, .permitted = kKeep}};
  MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  MUST(setrlimit(RLIMIT_NOFILE, &files));
  MUST(syscall(SYS_setgroups, 0, NULL));
  for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (cap >= 32 || !(kKeep & 1u << cap)) MUST(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
  MUST(syscall(SYS_capset, &header, data));
  MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

static void child(const char* rootfs, char** argv) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  for (int i = 0; i < group_count; i++) put(groups[i], "tasks", "0");
  MUST(setsid());
  MUST(sethostname("runc", 4));
  MUST(ioctl((int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), SIOCSIFFLAGS, &lo));
  umask(0); /* saves a chmod for each node */
  make_root(rootfs);
  hide_paths();
  umask(022);
  drop_privileges();
  environ = environment; /* execvp looks for PATH there */
  execvp(argv[0], argv);
  _exit(errno == ENOENT ? 127 : 126);
}

int main(int argc, char** argv) {
  if (argc < 4) return fprintf(stderr, "usage: floor ROOTFS ID COMMAND [ARG...]\n"), 1;
  int pidfd = -1;
  siginfo_t info;
  struct clone_args args = {.pidfd = (__u64)(unsigned long)&pidfd, .exit_signal = SIGCHLD};
  args.flags =
      CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_PIDFD;
  find_hierarchies(argv[2]);
  make_groups();
  if (MUST(syscall(SYS_clone3, &args, sizeof args)) == 0) child(argv[1], argv + 3);
  MUST(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
  for (int i = 0; i < group_count; i++) MUST(rmdir(groups[i]));
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
