# A guest without an operating system that writes a known amount to its second disk. At its start it fills the first 64 MiB
# and prints "F"; then, for each key, it writes every second piece of 64 KiB of them, 32 MiB in all, with something else, and
# prints "D".
# Build: as --32 dirtier.S -o dirtier.o && ld -m elf_i386 -Ttext 0x7c00 --oformat binary dirtier.o -o dirtier.bin
        .code16
        .globl _start
_start: cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        cld
        movw $0x1111, 0x8000
        movl $1024, %ecx
        movl $128, %ebp
        movb $'F', %bl
        jmp write
again:  xorb %ah, %ah
        int $0x16
        incw 0x8000
        movl $512, %ecx
        movl $256, %ebp
        movb $'D', %bl

# ECX pieces of 128 sectors, each EBP sectors after the one before; BL is printed afterwards.
write:  pushl %ecx
        movw $0x1000, %ax
        movw %ax, %es
        xorw %di, %di
        movw 0x8000, %ax
        movw $0x4000, %cx
        rep stosw
        popl %ecx
        movl $0, sector
piece:  call half
        addl $64, sector
        call half
        subl $64, sector
        addl %ebp, sector
        decl %ecx
        jnz piece
        movb %bl, %al
        call put
        movb $10, %al
        call put
        jmp again

half:   pushal
        movw $packet, %si
        movw $0x4300, %ax
        movb $0x81, %dl
        int $0x13
        popal
        jc bad
        ret

bad:    movb $'B', %al
        call put
        movb $10, %al
        call put
        jmp bad

put:    movw $0x3f8, %dx
        outb %al, %dx
        ret

        .balign 4
packet: .byte 16, 0, 64, 0
        .word 0, 0x1000
sector: .quad 0
        .org 510
        .word 0xaa55
