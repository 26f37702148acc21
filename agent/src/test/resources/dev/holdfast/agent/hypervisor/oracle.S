# A guest without an operating system that knows whether its memory and its two disks are of one moment.
# Forever: both disks must hold the counter that is in memory, else print "BAD"; then add one, write the new number to
# the first disk, then to the second, and print it. Prints "START" when it boots, so that a boot is not taken for a
# restored run. Touches 32 KiB of memory each round so that there is something to write.
# Build: as --32 oracle.S -o oracle.o && ld -m elf_i386 -Ttext 0x7c00 --oformat binary oracle.o -o oracle.bin
        .code16
        .globl _start
_start: cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        cld
        movw $start, %si
        call print
        movl $1, 0x8000
        call store
again:  movb $0x42, %ah
        movb $0x80, %dl
        call check
        movb $0x81, %dl
        call check
        incl 0x8000
        movw $0x1000, %ax
        movw %ax, %es
        xorw %di, %di
        movw 0x8000, %ax
        movw $0x4000, %cx
        rep stosw
        call store
        movb $'T', %al
        call put
        movl 0x8000, %ebx
        movw $8, %cx
digit:  roll $4, %ebx
        movb %bl, %al
        andb $15, %al
        addb $'0', %al
        cmpb $'9', %al
        jbe 1f
        addb $7, %al
1:      call put
        loop digit
        movb $10, %al
        call put
        jmp again

store:  movw $out, %si
        movw $0x4300, %ax
        movb $0x80, %dl
        int $0x13
        movw $0x4300, %ax
        movb $0x81, %dl
        int $0x13
        ret

check:  movw $in, %si
        movb $0x42, %ah
        int $0x13
        movl 0x9000, %eax
        cmpl 0x8000, %eax
        je 1f
        movw $bad, %si
        call print
1:      ret

print:  lodsb
        testb %al, %al
        jz 1f
        call put
        jmp print
1:      ret

put:    movw $0x3f8, %dx
        outb %al, %dx
        ret

start:  .asciz "START\n"
bad:    .asciz "BAD\n"
        .balign 4
out:    .byte 16, 0, 1, 0
        .word 0x8000, 0
        .quad 100
in:     .byte 16, 0, 1, 0
        .word 0x9000, 0
        .quad 100
        .org 510
        .word 0xaa55
