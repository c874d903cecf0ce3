/*
 * Preloaded into Python: stands in for the kernel's dma-buf devices, which only a Pi has.
 *
 * /dev/dma_heap/NAME, from which picamera2 takes its buffers, and /dev/udmabuf, from which libcamera's virtual pipeline
 * takes its own, open as an empty memory file; a buffer allocated from either is another memory file. All else goes to
 * the C library unchanged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_ours(const char *path)
{
	return path && (strcmp(path, "/dev/udmabuf") == 0 || strncmp(path, "/dev/dma_heap/", 14) == 0);
}

static int memory_device(void)
{
	return memfd_create("dma-device", MFD_CLOEXEC);
}

/* The mode is there only when the flags say so (open(2)). */
static mode_t mode_of(int flags, va_list arguments)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                           \
	int name(const char *path, int flags, ...)                           \
	{                                                                    \
		int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
		va_list arguments;                                           \
		mode_t mode;                                                 \
		va_start(arguments, flags);                                  \
		mode = mode_of(flags, arguments);                            \
		va_end(arguments);                                           \
		return is_ours(path) ? memory_device() : real(path, flags, mode); \
	}

#define OPENAT(name)                                                         \
	int name(int directory, const char *path, int flags, ...)            \
	{                                                                    \
		int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
		va_list arguments;                                           \
		mode_t mode;                                                 \
		va_start(arguments, flags);                                  \
		mode = mode_of(flags, arguments);                            \
		va_end(arguments);                                           \
		return is_ours(path) ? memory_device() : real(directory, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static int allocate(struct dma_heap_allocation_data *wanted)
{
	int buffer = memfd_create("dma-buffer", MFD_CLOEXEC);

	if (buffer < 0)
		return -1;
	if (ftruncate(buffer, (wanted->len + 4095) & ~4095ULL)) {
		close(buffer);
		return -1;
	}
	wanted->fd = buffer;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == DMA_HEAP_IOCTL_ALLOC)
		return allocate(argument);
	if (request == UDMABUF_CREATE)
		return fcntl((int)((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 3);
	/* DMA_BUF_IOCTL_SYNC and DMA_BUF_SET_NAME: memory needs neither. */
	if (_IOC_TYPE(request) == 'b' && _IOC_NR(request) <= 1 && _IOC_DIR(request) == _IOC_WRITE)
		return 0;
	return real(fd, request, argument);
}
