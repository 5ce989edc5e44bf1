// The host's side of the control port; the only class that knows what the port looks like.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "Vtop.h"

// Clocks the design. The first eval happens with clk = 0: with 1 the first edge would be lost.
class Simulation {
  public:
    explicit Simulation(Vtop& top) : top(top) {
        top.clk = 0;
        top.eval();
    }

    // One cycle, from falling edge to falling edge.
    void step() {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
        ++cycles;
    }

    Vtop& top;
    uint64_t cycles = 0;
};

class Host {
  public:
    explicit Host(Simulation& simulation) : simulation(simulation), top(simulation.top) {
        top.control___05Fwstrb = 0xF;
        top.control___05Fbready = 1;
        top.control___05Frready = 1;
    }

    // Address and data go at once; the answer is there one cycle later.
    void write(uint32_t address, uint32_t value) {
        top.control___05Fawaddr = address;
        top.control___05Fwdata = value;
        top.control___05Fawvalid = top.control___05Fwvalid = 1;
        simulation.step();
        top.control___05Fawvalid = top.control___05Fwvalid = 0;
        check(top.control___05Fbvalid, top.control___05Fbresp, address);
    }

    uint32_t read(uint32_t address) {
        top.control___05Faraddr = address;
        top.control___05Farvalid = 1;
        simulation.step();
        top.control___05Farvalid = 0;
        check(top.control___05Frvalid, top.control___05Frresp, address);
        return top.control___05Frdata;
    }

    // Verilator renames the port: the word is in some C++ header.
    bool interrupt() const { return top.__SYM__interrupt; }

  private:
    static void check(bool valid, unsigned response, uint32_t address) {
        if (!valid || response)
            throw std::runtime_error("register " + std::to_string(address) + (valid ? " refused" : " did not answer"));
    }

    Simulation& simulation;
    Vtop& top;
};
