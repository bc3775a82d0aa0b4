// variants: glibc-pie
// What a C library asks the network about: getifaddrs(3), if_nametoindex(3), getaddrinfo(3) with AI_ADDRCONFIG, netdevice(7)
// and rtnetlink(7), and what /proc/net says of a program's own sockets. Only what every machine has is looked at.
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? 0 : (fprintf(stderr, "line %d: %s, errno %d\n", __LINE__, #condition, errno), exit(1), 0))

static int has_line(const char *file, const char *wanted)
{
    char line[512];
    int found = 0;
    FILE *f = fopen(file, "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f))
        found |= strstr(line, wanted) != NULL;
    fclose(f);
    return found;
}

static unsigned long inode(int fd)
{
    struct stat status;
    CHECK(fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode));
    return status.st_ino;
}

int main(void)
{
    struct ifaddrs *all, *each;
    int n4 = 0, n6 = 0, n_links = 0;
    CHECK(getifaddrs(&all) == 0);
    for (each = all; each; each = each->ifa_next) {
        if (strcmp(each->ifa_name, "lo") || !each->ifa_addr)
            continue;
        CHECK((each->ifa_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK));
        if (each->ifa_addr->sa_family == AF_INET)
            n4 += ((struct sockaddr_in *)each->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
        else if (each->ifa_addr->sa_family == AF_INET6)
            n6 += IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)each->ifa_addr)->sin6_addr);
        else
            n_links++;
    }
    freeifaddrs(all);
    CHECK(n4 == 1 && n6 == 1 && n_links == 1);
    CHECK(if_nametoindex("lo") == 1);
    CHECK(if_nametoindex("nope0") == 0 && errno == ENODEV);
    char name[IF_NAMESIZE];
    CHECK(if_indextoname(1, name) && !strcmp(name, "lo"));
    CHECK(if_indextoname(9999, name) == NULL && errno == ENXIO);

    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_ADDRCONFIG}, *found;
    CHECK(getaddrinfo("127.0.0.1", "80", &hints, &found) == 0);
    CHECK(found->ai_family == AF_INET && ((struct sockaddr_in *)found->ai_addr)->sin_port == htons(80));
    freeaddrinfo(found);
    CHECK(getaddrinfo("::1", "80", &hints, &found) == 0 && found->ai_family == AF_INET6);
    freeaddrinfo(found);

    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    CHECK(ioctl(fd, SIOCGIFADDR, &request) == 0);
    CHECK(((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK(ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu == 65536);
    CHECK(ioctl(fd, SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family == 772);
    strcpy(request.ifr_name, "nope0");
    CHECK(ioctl(fd, SIOCGIFFLAGS, &request) == -1 && errno == ENODEV);
    struct ifconf list = {0};
    CHECK(ioctl(fd, SIOCGIFCONF, &list) == 0 && list.ifc_len >= (int)sizeof request);

    // rtnetlink by hand
    int route = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct sockaddr_nl me = {.nl_family = AF_NETLINK};
    socklen_t length = sizeof me;
    CHECK(socket(AF_NETLINK, SOCK_STREAM, 0) == -1 && errno == ESOCKTNOSUPPORT);
    CHECK(socket(AF_NETLINK, SOCK_RAW, 31) == -1 && errno == EPROTONOSUPPORT);
    CHECK(bind(route, (struct sockaddr *)&me, 4) == -1 && errno == EINVAL);
    CHECK(bind(route, (struct sockaddr *)&me, sizeof me) == 0);
    CHECK(getsockname(route, (struct sockaddr *)&me, &length) == 0 && me.nl_pid == (unsigned)getpid());
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
        char more[64];
    } ask;
    memset(&ask, 0, sizeof ask);
    ask.header.nlmsg_len = NLMSG_LENGTH(sizeof ask.info);
    ask.header.nlmsg_type = RTM_GETLINK;
    ask.header.nlmsg_flags = NLM_F_REQUEST;
    ask.header.nlmsg_seq = 7;
    ask.info.ifi_index = 1;
    char buffer[16384];
    CHECK(send(route, &ask, ask.header.nlmsg_len, 0) == (int)ask.header.nlmsg_len);
    int n = recv(route, buffer, sizeof buffer, 0);
    struct nlmsghdr *answer = (void *)buffer;
    CHECK(n > 0 && answer->nlmsg_type == RTM_NEWLINK && answer->nlmsg_seq == 7 && answer->nlmsg_pid == me.nl_pid);
    struct ifinfomsg *info = NLMSG_DATA(answer);
    CHECK(info->ifi_index == 1 && info->ifi_type == 772);
    ask.info.ifi_index = 9999;
    CHECK(send(route, &ask, ask.header.nlmsg_len, 0) > 0);
    CHECK(recv(route, buffer, sizeof buffer, 0) > 0 && answer->nlmsg_type == NLMSG_ERROR);
    CHECK(((struct nlmsgerr *)NLMSG_DATA(answer))->error == -ENODEV);
    ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    ask.info.ifi_index = 0;
    CHECK(send(route, &ask, ask.header.nlmsg_len, 0) > 0);
    int is_done = 0, is_seen = 0;
    while (!is_done) {
        n = recv(route, buffer, sizeof buffer, 0);
        CHECK(n > 0);
        for (answer = (void *)buffer; NLMSG_OK(answer, n); answer = NLMSG_NEXT(answer, n)) {
            CHECK(answer->nlmsg_flags & NLM_F_MULTI);
            is_done |= answer->nlmsg_type == NLMSG_DONE;
            is_seen |= answer->nlmsg_type == RTM_NEWLINK;
        }
    }
    CHECK(is_seen);
    CHECK(recv(route, buffer, sizeof buffer, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    ask.header.nlmsg_type = 1;                                  // NLMSG_NOOP, to be acknowledged
    ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    CHECK(send(route, &ask, ask.header.nlmsg_len, 0) > 0);
    answer = (void *)buffer;
    CHECK(recv(route, buffer, sizeof buffer, 0) == NLMSG_LENGTH(sizeof(struct nlmsgerr)));
    CHECK(((struct nlmsgerr *)NLMSG_DATA(answer))->error == 0);

    // /proc/net
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), ends[2];
    char wanted[128];
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    length = sizeof address;
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    snprintf(wanted, sizeof wanted, " 0100007F:%04X 00000000:0000 0A ", ntohs(address.sin_port));
    CHECK(has_line("/proc/net/tcp", wanted));
    snprintf(wanted, sizeof wanted, " %lu 1 ", inode(listener));
    CHECK(has_line("/proc/net/tcp", wanted));
    address.sin_port = 0;
    CHECK(bind(udp, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(udp, (struct sockaddr *)&address, &length) == 0);
    snprintf(wanted, sizeof wanted, ": 0100007F:%04X 00000000:0000 07 ", ntohs(address.sin_port));
    CHECK(has_line("/proc/net/udp", wanted));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    snprintf(wanted, sizeof wanted, ": 00000003 00000000 00000000 0001 03 %5lu\n", inode(ends[0]));
    CHECK(has_line("/proc/net/unix", wanted));
    CHECK(has_line("/proc/net/dev", "    lo:"));
    CHECK(has_line("/proc/self/net/if_inet6", "00000000000000000000000000000001 01 80 10 80       lo"));
    puts("fine");
    return 0;
}
