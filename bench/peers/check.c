/* The typical check as a program: what one run costs when every run is a process. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  char service[64] = "orders";
  unsigned backlog_max = 100;
  double warn = 50, crit = 200, latency = 12.5;
  for (int i = 1; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value) continue;
    *value++ = 0;
    if (!strcmp(argv[i], "service")) snprintf(service, sizeof service, "%s", value);
    else if (!strcmp(argv[i], "backlog-max")) sscanf(value, "%u", &backlog_max);
    else if (!strcmp(argv[i], "warn")) sscanf(value, "%lf", &warn);
    else if (!strcmp(argv[i], "crit")) sscanf(value, "%lf", &crit);
  }
  int status = latency > crit ? 2 : latency > warn ? 1 : 0;
  printf("%s answered, %u waiting | latency=%gms;%g;%g backlog=%u connected=1\n", service, backlog_max / 8, latency,
         warn, crit, backlog_max / 8);
  return status;
}
