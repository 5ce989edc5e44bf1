// DRAM timing behind the memory of memory.sv: when the data of a burst are on the data bus. No contents, no clock of its
// own: `serve` is called once for each burst, in the order in which the memory takes them, and answers with times. What
// it answers depends on that list and on nothing else. sim/timing/dram.py says the same in Python.
//
// Times are clocks of the DRAM's command clock, of which `dram_clock` take as long as `dram_engine_clock` cycles of the
// engine; they are rounded up going either way. Clock 0 is the cycle of the first burst after a reset or a `restart`.
// A burst is cut into columns of 2**dram_column_shift bytes, served in ascending order. All banks are then closed, and the first refresh is due refresh_interval clocks later.
//
// Service, in each channel: columns in the order of arrival, reads and writes alike; rows are closed and opened for a
// waiting column as early as the timings allow, while columns before it are still served. A row stays open until
// another one is wanted or a refresh is due. A refresh closes all banks of all ranks of a channel, and comes before the
// first column that could otherwise be served at or after its time. The command bus is never short.
//
// Address: the bits above `channel_shift` name the channel, `channel_bits` of them; with them taken out, the rest holds
// group, bank, rank and row at their shifts. What is below is the place within a row, and counts for nothing here.
module normq_dram #(
    parameter int QUEUE = 64,  // reads that wait
    parameter int BYTES = 64   // of a beat
) (
    // settings, as sim/memory/dram.py has them: clocks, bits, or shifts
    input logic [15:0] dram_clock,
    input logic [15:0] dram_engine_clock,
    input logic [15:0] dram_column_shift,
    input logic [15:0] dram_channel_shift,
    input logic [15:0] dram_channel_bits,
    input logic [15:0] dram_group_shift,
    input logic [15:0] dram_group_bits,
    input logic [15:0] dram_bank_shift,
    input logic [15:0] dram_bank_bits,
    input logic [15:0] dram_rank_shift,
    input logic [15:0] dram_rank_bits,
    input logic [15:0] dram_row_shift,
    input logic [15:0] dram_burst,
    input logic [15:0] dram_cl,
    input logic [15:0] dram_cwl,
    input logic [15:0] dram_rcd,
    input logic [15:0] dram_rp,
    input logic [15:0] dram_ras,
    input logic [15:0] dram_rtp,
    input logic [15:0] dram_wr,
    input logic [15:0] dram_ccd_s,
    input logic [15:0] dram_ccd_l,
    input logic [15:0] dram_rrd_s,
    input logic [15:0] dram_rrd_l,
    input logic [15:0] dram_faw,
    input logic [15:0] dram_wtr_s,
    input logic [15:0] dram_wtr_l,
    input logic [15:0] dram_rtw,
    input logic [15:0] dram_cs,
    input logic [15:0] dram_refi,
    input logic [15:0] dram_rfc,

    // since reset
    output longint row_hits,
    output longint row_misses,
    output longint row_conflicts,
    output longint refreshes
);
    localparam int CHANNELS = 32, RANKS = 4, GROUPS = 8, BANKS = 8;  // at most; sim/memory/dram.py knows them too
    localparam int ALL_BANKS = RANKS * GROUPS * BANKS, ALL_GROUPS = RANKS * GROUPS;
    localparam longint NEVER = -(64'sd1 <<< 40);  // so long ago that no timing reaches from there
    localparam longint CLOSED = -1;

    // state: of each bank the open row and the first clock for its next ACT, PRE and column
    longint row      [0:CHANNELS-1][0:ALL_BANKS-1];
    longint next_act [0:CHANNELS-1][0:ALL_BANKS-1];
    longint next_pre [0:CHANNELS-1][0:ALL_BANKS-1];
    longint next_col [0:CHANNELS-1][0:ALL_BANKS-1];
    // of each bank group and of each rank the last commands
    longint group_act [0:CHANNELS-1][0:ALL_GROUPS-1];
    longint group_col [0:CHANNELS-1][0:ALL_GROUPS-1];
    longint group_wr  [0:CHANNELS-1][0:ALL_GROUPS-1];
    longint rank_act  [0:CHANNELS-1][0:RANKS-1][0:3];  // the last four, the oldest at rank_turn
    int     rank_turn [0:CHANNELS-1][0:RANKS-1];
    longint rank_wr   [0:CHANNELS-1][0:RANKS-1];
    // of the channel the last column, and when a refresh is due
    longint last_col [0:CHANNELS-1], last_rd [0:CHANNELS-1], due [0:CHANNELS-1];
    int     last_rank [0:CHANNELS-1];

    longint beat_due [0:QUEUE-1][0:255];  // of each waiting read, the cycle in which each beat was on the bus
    longint start;                        // cycle of clock 0
    logic idle;                           // no burst since reset or restart

    task automatic clear_counters;
        row_hits = 0; row_misses = 0; row_conflicts = 0; refreshes = 0;
    endtask

    task automatic restart;
        for (int c = 0; c < CHANNELS; c++) begin
            for (int b = 0; b < ALL_BANKS; b++) begin
                row[c][b] = CLOSED; next_act[c][b] = 0; next_pre[c][b] = 0; next_col[c][b] = 0;
            end
            for (int g = 0; g < ALL_GROUPS; g++) begin
                group_act[c][g] = NEVER; group_col[c][g] = NEVER; group_wr[c][g] = NEVER;
            end
            for (int r = 0; r < RANKS; r++) begin
                for (int i = 0; i < 4; i++) rank_act[c][r][i] = NEVER;
                rank_turn[c][r] = 0; rank_wr[c][r] = NEVER;
            end
            last_col[c] = NEVER; last_rd[c] = NEVER; last_rank[c] = 0;
            due[c] = longint'(dram_refi);
        end
        idle = 1;
    endtask

    function automatic longint later(input longint a, input longint b);
        return a > b ? a : b;
    endfunction

    function automatic longint bits(input longint address, input logic [15:0] shift, input logic [15:0] width);
        return (address >> shift) & ((64'sd1 << width) - 1);
    endfunction

    // All banks closed, then all of them busy. PRE of what is open, REF tRP later.
    task automatic refresh(input int c);
        longint at;
        at = due[c];
        for (int b = 0; b < ALL_BANKS; b++)
            at = later(at, row[c][b] == CLOSED ? next_act[c][b] : later(due[c], next_pre[c][b]) + longint'(dram_rp));
        for (int b = 0; b < ALL_BANKS; b++) begin
            row[c][b] = CLOSED;
            next_act[c][b] = at + longint'(dram_rfc);
        end
        due[c] += longint'(dram_refi);
        refreshes += 1;
    endtask

    // One column of the burst that is in the memory at clock `arrival`; `done` is the clock at which its last datum has
    // been on the bus.
    task automatic access(input longint address, input logic is_write, input longint arrival, output longint done);
        longint inner, wanted, at, column;
        int c, rank, group, bank;
        c = int'(bits(address, dram_channel_shift, dram_channel_bits));
        inner = ((address >> (dram_channel_shift + dram_channel_bits)) << dram_channel_shift)
              | bits(address, 0, dram_channel_shift);
        rank = int'(bits(inner, dram_rank_shift, dram_rank_bits));
        group = rank * GROUPS + int'(bits(inner, dram_group_shift, dram_group_bits));
        bank = group * BANKS + int'(bits(inner, dram_bank_shift, dram_bank_bits));
        wanted = inner >> dram_row_shift;

        while (due[c] <= later(arrival, last_col[c])) refresh(c);

        if (row[c][bank] == wanted) row_hits += 1;
        else begin
            at = later(arrival, next_act[c][bank]);
            if (row[c][bank] == CLOSED) row_misses += 1;
            else begin
                row_conflicts += 1;
                at = later(arrival, next_pre[c][bank]) + longint'(dram_rp);
            end
            at = later(at, rank_act[c][rank][(rank_turn[c][rank] + 3) % 4] + longint'(dram_rrd_s));
            at = later(at, rank_act[c][rank][rank_turn[c][rank]] + longint'(dram_faw));
            at = later(at, group_act[c][group] + longint'(dram_rrd_l));
            rank_act[c][rank][rank_turn[c][rank]] = at;
            rank_turn[c][rank] = (rank_turn[c][rank] + 1) % 4;
            group_act[c][group] = at;
            row[c][bank] = wanted;
            next_pre[c][bank] = at + longint'(dram_ras);
            next_col[c][bank] = at + longint'(dram_rcd);
        end

        column = later(arrival, next_col[c][bank]);
        column = later(column, last_col[c] + longint'(dram_ccd_s) + (rank == last_rank[c] ? 0 : longint'(dram_cs)));
        column = later(column, group_col[c][group] + longint'(dram_ccd_l));
        if (is_write) begin
            column = later(column, last_rd[c] + longint'(dram_rtw));
            done = column + longint'(dram_cwl) + longint'(dram_burst);
            rank_wr[c][rank] = done;
            group_wr[c][group] = done;
            next_pre[c][bank] = later(next_pre[c][bank], done + longint'(dram_wr));
        end else begin
            column = later(column, rank_wr[c][rank] + longint'(dram_wtr_s));
            column = later(column, group_wr[c][group] + longint'(dram_wtr_l));
            done = column + longint'(dram_cl) + longint'(dram_burst);
            last_rd[c] = column;
            next_pre[c][bank] = later(next_pre[c][bank], column + longint'(dram_rtp));
        end
        last_col[c] = column;
        last_rank[c] = rank;
        group_col[c][group] = column;
    endtask

    // One burst, in the memory in cycle `now`. Returns the cycle in which its last datum has been on the bus; those of
    // a read's beats are in beat_due[place].
    task automatic serve(
        input longint now, input longint address, input int beats, input logic is_write, input int place,
        output longint last
    );
        longint arrival, done, size;
        int beat;
        if (idle) start = now;
        idle = 0;
        arrival = ((now - start) * longint'(dram_clock) + longint'(dram_engine_clock) - 1) / longint'(dram_engine_clock);
        size = 64'sd1 << dram_column_shift;
        beat = 0;
        last = 0;
        for (longint at = address & -size; at < address + longint'(beats * BYTES); at += size) begin
            access(at, is_write, arrival, done);
            done = start + (done * longint'(dram_engine_clock) + longint'(dram_clock) - 1) / longint'(dram_clock);
            last = later(last, done);
            while (!is_write && beat < beats && address + longint'((beat + 1) * BYTES) <= at + size) begin
                beat_due[place][beat] = last;
                beat = beat + 1;
            end
        end
    endtask
endmodule
