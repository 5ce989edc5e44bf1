// Behavioral AXI4 memory, the subordinate of one manager: single ID, INCR bursts of whole words, in order.
//
// Timing, exact while every stall probability is 0 (cycle t: the transfer happens at the clock edge that ends it):
//   ar taken in t        -> first beat offered in t + latency (0 counts as 1), or when the bursts before it allow
//   beat offered in t    -> next beat, of whatever burst, offered in t + 1 + gap or later; once the first is taken
//   reads are pipelined  -> up to QUEUE of them wait, each with its own latency running
//   last w beat taken t  -> b offered in t + write_latency (0 counts as 1), or when the responses before it are taken
//   w before aw          -> waits in a queue of QUEUE beats
//   read after write     -> a beat offered in t holds every write beat taken before t
// With a DRAM behind it (`dram_clock` is not 0; dram.sv tells when data are on its bus):
//   read    -> a beat is offered `latency` cycles after the cycle in which its last datum is on the bus, or later
//   write   -> goes to the DRAM in the cycle in which its last beat is written; answered `write_latency` cycles after
//              the cycle in which its last datum was on the bus
// At a rising edge of `restart` the DRAM is as after a reset: all rows closed, its time beginning with the next burst.
//
// A stall probability p makes its channel idle in p of 256 cycles: ready is low (ar, aw, w) or the next transfer is
// offered later (r, b). Once offered, a transfer stays as it is until taken. Equal seeds give equal stalls.
//
// An address beyond DEPTH words, one that is not a multiple of the word and a burst across 4096 bytes are answered
// with an error: writes are dropped, reads give POISON. The last two, a wrong w_last, and a valid or payload taken back
// before ready count in `violations`.
//
// Contents: POISON everywhere, then the file +image=FILE from address 0, at time 0 and at each rising edge of `load`,
// if one is named. The file +dump=FILE receives all DEPTH words at each rising edge of `dump`. Both are plain bytes in
// the order of addresses; a transfer's bits [8*i +: 8] are the byte at address + i.
// +trace=FILE receives 16 bytes for each burst when its address is taken, little end first: cycle since reset (8 bytes),
// address (5), 1 << 7 | 0 of a write or ar_user of a read (1), bytes, whole beats (2).
module normq_memory #(
    parameter int DATA_BITS = 512,
    parameter int ADDRESS_BITS = 40,
    parameter int DEPTH = 65536,  // words of DATA_BITS
    parameter int QUEUE = 64
) (
    input  logic                     clk,
    input  logic                     rst,

    input  logic                     ar_valid,
    output logic                     ar_ready,
    input  logic [ADDRESS_BITS-1:0]  ar_address,
    input  logic [7:0]               ar_length,  // beats - 1
    input  logic [3:0]               ar_user,    // who asks, for the trace
    output logic                     r_valid,
    input  logic                     r_ready,
    output logic [DATA_BITS-1:0]     r_data,
    output logic                     r_last,
    output logic                     r_error,
    input  logic                     aw_valid,
    output logic                     aw_ready,
    input  logic [ADDRESS_BITS-1:0]  aw_address,
    input  logic [7:0]               aw_length,  // beats - 1
    input  logic                     w_valid,
    output logic                     w_ready,
    input  logic [DATA_BITS-1:0]     w_data,
    input  logic [DATA_BITS/8-1:0]   w_strobe,
    input  logic                     w_last,
    output logic                     b_valid,
    input  logic                     b_ready,
    output logic                     b_error,

    // held constant by the bench, changed only under reset
    input  logic [15:0]              latency,
    input  logic [15:0]              write_latency,
    input  logic [15:0]              gap,
    input  logic [7:0]               ar_stall,
    input  logic [7:0]               r_stall,
    input  logic [7:0]               aw_stall,
    input  logic [7:0]               w_stall,
    input  logic [7:0]               b_stall,
    input  logic [31:0]              stall_seed,
    input  logic [15:0]              dram_clock,
    input  logic [15:0]              dram_engine_clock,
    input  logic [15:0]              dram_column_shift,
    input  logic [15:0]              dram_channel_shift,
    input  logic [15:0]              dram_channel_bits,
    input  logic [15:0]              dram_group_shift,
    input  logic [15:0]              dram_group_bits,
    input  logic [15:0]              dram_bank_shift,
    input  logic [15:0]              dram_bank_bits,
    input  logic [15:0]              dram_rank_shift,
    input  logic [15:0]              dram_rank_bits,
    input  logic [15:0]              dram_row_shift,
    input  logic [15:0]              dram_burst,
    input  logic [15:0]              dram_cl,
    input  logic [15:0]              dram_cwl,
    input  logic [15:0]              dram_rcd,
    input  logic [15:0]              dram_rp,
    input  logic [15:0]              dram_ras,
    input  logic [15:0]              dram_rtp,
    input  logic [15:0]              dram_wr,
    input  logic [15:0]              dram_ccd_s,
    input  logic [15:0]              dram_ccd_l,
    input  logic [15:0]              dram_rrd_s,
    input  logic [15:0]              dram_rrd_l,
    input  logic [15:0]              dram_faw,
    input  logic [15:0]              dram_wtr_s,
    input  logic [15:0]              dram_wtr_l,
    input  logic [15:0]              dram_rtw,
    input  logic [15:0]              dram_cs,
    input  logic [15:0]              dram_refi,
    input  logic [15:0]              dram_rfc,
    input  logic                     restart,
    input  logic                     load,
    input  logic                     dump,

    // since reset
    output logic [31:0]              violations,
    output logic [63:0]              beats_read,
    output logic [63:0]              beats_written,
    output longint                   row_hits,
    output longint                   row_misses,
    output longint                   row_conflicts,
    output longint                   refreshes
);
    localparam int BYTES = DATA_BITS / 8;
    localparam int SHIFT = $clog2(BYTES);
    localparam logic [63:0] POISON64 = 64'hBADC0FFEE0DDF00D;  // sim/memory/image.py knows it too
    localparam logic [DATA_BITS-1:0] POISON = {DATA_BITS/64{POISON64}};

    typedef struct packed {
        logic [ADDRESS_BITS-1:0] word;   // of the first beat
        logic [7:0]              length;
        logic                    bad;    // answered with an error whatever the range
        logic [63:0]             due;    // cycle of the first beat, or of the response
    } burst_t;

    typedef struct packed {
        logic [DATA_BITS-1:0]   data;
        logic [DATA_BITS/8-1:0] strobe;
        logic                   last;
    } beat_t;

    logic [DATA_BITS-1:0] words [0:DEPTH-1];

    // ---- contents ------------------------------------------------------------------------------------------------

    task automatic load_image;
        string name;
        int file, bytes;
        for (int i = 0; i < DEPTH; i++) words[i] = POISON;
        if ($value$plusargs("image=%s", name)) begin
            file = $fopen(name, "rb");
            if (file == 0) $fatal(1, "memory: cannot read the image %s", name);
            bytes = $fread(words, file);
            $fclose(file);
            // $fread puts the first byte of a word on top
            for (int i = 0; i < (bytes + BYTES - 1) / BYTES; i++) words[i] = {<<8{words[i]}};
        end
    endtask

    task automatic dump_contents;
        string name;
        int file;
        if (!$value$plusargs("dump=%s", name)) $fatal(1, "memory: dump was raised, +dump=FILE is missing");
        file = $fopen(name, "wb");
        if (file == 0) $fatal(1, "memory: cannot write the dump %s", name);
        for (int i = 0; i < DEPTH; i++) $fwrite(file, "%u", words[i]);
        $fclose(file);
    endtask

    initial load_image();

    // ---- trace ---------------------------------------------------------------------------------------------------

    int trace = 0;

    initial begin
        string name;
        if ($value$plusargs("trace=%s", name)) begin
            trace = $fopen(name, "wb");
            if (trace == 0) $fatal(1, "memory: cannot write the trace %s", name);
        end
    end

    task automatic note(input logic [7:0] kind, input logic [39:0] address, input logic [7:0] length);
        if (trace != 0) $fwrite(trace, "%u", {16'((32'(length) + 1) << SHIFT), kind, address, now});
    endtask

    // ---- DRAM ----------------------------------------------------------------------------------------------------

    normq_dram #(.QUEUE(QUEUE), .BYTES(BYTES)) dram (.*);
    logic restart_before;

    // ---- stalls --------------------------------------------------------------------------------------------------

    logic [31:0] ar_random, r_random, aw_random, w_random, b_random;

    // Marsaglia, "Xorshift RNGs", J. Stat. Soft. 8(14), 2003: the 32-bit generator with shifts 13, 17, 5
    function automatic logic [31:0] step(input logic [31:0] state);
        logic [31:0] x;
        x = state;
        x = x ^ (x << 13);
        x = x ^ (x >> 17);
        x = x ^ (x << 5);
        return x;
    endfunction

    function automatic logic [31:0] start(input logic [31:0] channel);
        logic [31:0] x;
        x = stall_seed * 32'h9E3779B1 + channel * 32'h85EBCA77;  // odd: distinct channels start apart
        return step(x == 0 ? 32'd1 : x);
    endfunction

    function automatic logic stalls(input logic [31:0] state, input logic [7:0] probability);
        return state[31:24] < probability;
    endfunction

    // ---- state; everything below is one clocked block, in the order in which a cycle's events count ---------------

    burst_t reads [0:QUEUE-1];
    burst_t writes [0:QUEUE-1];
    burst_t responses [0:QUEUE-1];
    beat_t  incoming [0:QUEUE-1];
    int read_head, read_count, write_head, write_count, response_head, response_count, beat_head, beat_count;
    logic [ADDRESS_BITS-1:0] read_beat, write_beat, at;
    logic write_bad, misplaced;
    logic [15:0] gap_left;
    logic [63:0] now;
    burst_t burst;
    beat_t beat;
    logic load_before, dump_before;
    longint due;
    int faults;

    function automatic burst_t opened(input logic [ADDRESS_BITS-1:0] address, input logic [7:0] length);
        logic [31:0] end_in_page;
        end_in_page = 32'(address[11:0]) + ((32'(length) + 32'd1) << SHIFT);
        opened.word = address >> SHIFT;
        opened.length = length;
        opened.bad = end_in_page > 32'd4096 || address[SHIFT-1:0] != 0;
        opened.due = now + (latency == 0 ? 64'd1 : 64'(latency));
    endfunction

    function automatic logic inside_memory(input logic [ADDRESS_BITS-1:0] word);
        return 64'(word) < 64'(DEPTH);
    endfunction

    // what each manager channel offered in the cycle before and did not get rid of
    logic ar_held, aw_held, w_held;
    logic [ADDRESS_BITS+7:0] ar_before, aw_before;
    beat_t w_before;

    always_ff @(posedge clk) begin
        load_before <= load;
        dump_before <= dump;
        if (load && !load_before) load_image();
        if (dump && !dump_before) begin
            dump_contents();
            if (trace != 0) $fflush(trace);
        end
        restart_before <= restart;
        if (rst || (restart && !restart_before)) begin
            dram.restart();
        end

        if (rst) begin
            now <= 0;
            read_head = 0; read_count = 0; write_head = 0; write_count = 0;
            response_head = 0; response_count = 0; beat_head = 0; beat_count = 0;
            read_beat = 0; write_beat = 0; write_bad = 0; gap_left = 0;
            ar_ready <= 0; r_valid <= 0; aw_ready <= 0; w_ready <= 0; b_valid <= 0;
            r_data <= POISON; r_last <= 0; r_error <= 0; b_error <= 0;
            ar_held <= 0; aw_held <= 0; w_held <= 0;
            violations <= 0; beats_read <= 0; beats_written <= 0;
            dram.clear_counters();
            ar_random <= start(1); r_random <= start(2); aw_random <= start(3);
            w_random <= start(4); b_random <= start(5);
        end else begin
            now <= now + 1;
            faults = 0;
            ar_random <= step(ar_random); r_random <= step(r_random); aw_random <= step(aw_random);
            w_random <= step(w_random); b_random <= step(b_random);

            // manager's promises
            if (ar_held && (!ar_valid || {ar_address, ar_length} != ar_before)) faults = faults + 1;
            if (aw_held && (!aw_valid || {aw_address, aw_length} != aw_before)) faults = faults + 1;
            if (w_held && (!w_valid || {w_data, w_strobe, w_last} != w_before)) faults = faults + 1;
            ar_held <= ar_valid && !ar_ready;
            aw_held <= aw_valid && !aw_ready;
            w_held <= w_valid && !w_ready;
            ar_before <= {ar_address, ar_length};
            aw_before <= {aw_address, aw_length};
            w_before <= {w_data, w_strobe, w_last};

            // requests and data taken in this cycle
            if (ar_valid && ar_ready) begin
                burst = opened(ar_address, ar_length);
                if (dram_clock != 0 && !burst.bad)
                    dram.serve(now, 64'(ar_address), 32'(ar_length) + 1, 0, (read_head + read_count) % QUEUE, due);
                reads[(read_head + read_count) % QUEUE] = burst;
                read_count = read_count + 1;
                note({4'd0, ar_user}, 40'(ar_address), ar_length);
                if (burst.bad) faults = faults + 1;
            end
            if (aw_valid && aw_ready) begin
                burst = opened(aw_address, aw_length);
                writes[(write_head + write_count) % QUEUE] = burst;
                write_count = write_count + 1;
                note(8'd128, 40'(aw_address), aw_length);
                if (burst.bad) faults = faults + 1;
            end
            if (w_valid && w_ready) begin
                incoming[(beat_head + beat_count) % QUEUE] = {w_data, w_strobe, w_last};
                beat_count = beat_count + 1;
                beats_written <= beats_written + 1;
            end
            if (r_valid && r_ready) beats_read <= beats_read + 1;

            // one beat written, and a response with the last one
            if (write_count > 0 && beat_count > 0) begin
                burst = writes[write_head];
                beat = incoming[beat_head];
                beat_head = (beat_head + 1) % QUEUE;
                beat_count = beat_count - 1;
                at = burst.word + write_beat;
                misplaced = beat.last != (write_beat == ADDRESS_BITS'(burst.length));
                if (misplaced) faults = faults + 1;
                if (burst.bad || misplaced || !inside_memory(at)) write_bad = 1;
                if (!burst.bad && inside_memory(at))
                    for (int i = 0; i < BYTES; i++) if (beat.strobe[i]) words[at][8*i +: 8] = beat.data[8*i +: 8];
                write_beat = write_beat + 1;
                if (write_beat > ADDRESS_BITS'(burst.length)) begin
                    burst.bad = write_bad;
                    burst.due = now + (write_latency == 0 ? 64'd1 : 64'(write_latency));
                    if (dram_clock != 0 && !burst.bad) begin
                        dram.serve(now, 64'(burst.word) << SHIFT, 32'(burst.length) + 1, 1, 0, due);
                        burst.due = due + 64'(write_latency);
                    end
                    responses[(response_head + response_count) % QUEUE] = burst;
                    response_count = response_count + 1;
                    write_head = (write_head + 1) % QUEUE;
                    write_count = write_count - 1;
                    write_beat = 0;
                    write_bad = 0;
                end
            end

            // what is offered in the next cycle
            if (!b_valid || b_ready) begin
                b_valid <= 0;
                burst = responses[response_head];
                if (response_count > 0 && now + 1 >= burst.due && !stalls(b_random, b_stall)) begin
                    b_valid <= 1;
                    b_error <= burst.bad;
                    response_head = (response_head + 1) % QUEUE;
                    response_count = response_count - 1;
                end
            end
            if (!r_valid || r_ready) begin
                r_valid <= 0;
                burst = reads[read_head];
                due = dram_clock != 0 && !burst.bad ? dram.beat_due[read_head][read_beat[7:0]] + 64'(latency) : burst.due;
                if (read_count > 0 && now + 1 >= due && gap_left == 0 && !stalls(r_random, r_stall)) begin
                    at = burst.word + read_beat;
                    r_valid <= 1;
                    r_error <= burst.bad || !inside_memory(at);
                    r_data <= burst.bad || !inside_memory(at) ? POISON : words[at];
                    r_last <= read_beat == ADDRESS_BITS'(burst.length);
                    read_beat = read_beat + 1;
                    gap_left = gap + 1;
                    if (read_beat > ADDRESS_BITS'(burst.length)) begin
                        read_head = (read_head + 1) % QUEUE;
                        read_count = read_count - 1;
                        read_beat = 0;
                    end
                end
            end
            if (gap_left != 0) gap_left = gap_left - 1;
            ar_ready <= read_count < QUEUE && !stalls(ar_random, ar_stall);
            aw_ready <= write_count + response_count < QUEUE && !stalls(aw_random, aw_stall);
            w_ready <= beat_count < QUEUE && !stalls(w_random, w_stall);
            violations <= violations + faults;
        end
    end
endmodule
